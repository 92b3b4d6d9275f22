"""Configuration of this Pi without a controller, from the Debian package."""
