"""Checks of variables against each other, one module a topic."""
