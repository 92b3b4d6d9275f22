"""The compat service: the old API, served from the new one."""
