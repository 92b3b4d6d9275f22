"""Configuration from files on the boot partition."""
