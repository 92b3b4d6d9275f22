"""The health check: each link from the PVS to the home network."""
