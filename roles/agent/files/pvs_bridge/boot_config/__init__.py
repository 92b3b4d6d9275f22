"""Configuration from files on the boot partition.

This package needs PyYAML. It runs on cards only, where ansible-core depends on it.
"""
