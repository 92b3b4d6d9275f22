"""The software that pvs-bridge installs on the Pi."""
