"""The rollback: undoes a network change that is not confirmed."""
