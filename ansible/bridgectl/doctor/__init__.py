"""``make doctor``: checks bridges over SSH, and reports the first broken component.

Needs neither Ansible nor Python on the Pi.

================  ============================================================================
``target``        the bridges of the inventory
``ssh_config``    OpenSSH's settings for a bridge
``session``       an SSH connection, which runs scripts in the Pi's shell
``reachability``  the connection from this computer to the Pi
``probe.sh``      runs on the Pi; ``probe_output`` parses its output
``remote_probe``  runs the agent's health check on this computer, over SSH
``pi_checks``     checks of the Pi and the home network
``examine``       all checks in order
``results``       the result of a check
``report``        all results as text
``redact``        removes secrets from texts
``bundle``        the support bundle; ``collect.sh`` collects its files on the Pi
================  ============================================================================
"""

import bridgectl.ansible_loader  # noqa: F401 - before any part of Ansible
