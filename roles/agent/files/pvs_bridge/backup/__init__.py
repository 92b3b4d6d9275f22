"""An encrypted copy of what makes this bridge different from a new one."""
