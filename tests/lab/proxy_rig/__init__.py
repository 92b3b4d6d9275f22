"""haproxy of each Debian release between a simulated PVS and its clients, without a whole Pi.

A world is a network namespace that has the bridge's and the PVS's addresses; in it run the
simulator, haproxy out of a cached image with the role's real configuration, and the clients.
"""
