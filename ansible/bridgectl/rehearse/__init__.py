"""``make rehearse``: applies a bridge's configuration to a twin of its Pi in the lab.

=================  ===========================================================================
``configuration``  the bridge's configuration, without its secrets
``live``           the bridge itself, if it is reachable: its system, and what would change
``system``         release, network backend and firmware of the twin
``home``           the addresses in the twin's home network
``twin``           the configuration, adapted to a lab without radio
``lab``            the twin's lab: start, provision, read files, stop
``config_files``   the configuration files that the roles have changed
``record``         the files of the last rehearsal, and the differences
=================  ===========================================================================
"""

import bridgectl.ansible_loader  # noqa: F401 - before any part of Ansible
