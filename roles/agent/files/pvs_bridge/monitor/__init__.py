"""The monitor: checks the bridge each minute, repairs it, records events."""
