"""Starting the configuration of a bridge."""
