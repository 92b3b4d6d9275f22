"""What ``make bench-compat`` measures: the service that answers the older API out of the newer."""
