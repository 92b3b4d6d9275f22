"""The rollback of network changes that are not confirmed."""
