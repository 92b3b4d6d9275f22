"""Helpers of haproxy."""
