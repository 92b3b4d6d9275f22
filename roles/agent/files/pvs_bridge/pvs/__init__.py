"""The PVS: firmware, devices, variables, errors."""
