"""The MQTT service: publishes the status document to a broker, for Home Assistant."""
