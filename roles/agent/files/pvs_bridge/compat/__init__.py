"""The compat service: serves the old API with data of the new one."""
