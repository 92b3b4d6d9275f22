"""Reading an inventory: its files, what Ansible makes of them, placeholders for secrets."""

import bridgectl.ansible_loader  # noqa: F401 - before anything of Ansible
