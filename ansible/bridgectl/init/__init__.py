"""Detection of values for a new configuration."""
