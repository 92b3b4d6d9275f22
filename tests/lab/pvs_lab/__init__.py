"""The simulated world around a bridge: PVS, home router, home client and the Pi itself.

A lab is one PID namespace. Its first process (:mod:`pvs_lab.supervisor`) owns every network
namespace, mount, daemon and container of the lab. The kernel removes them all when that process
ends, for whatever reason.
"""
