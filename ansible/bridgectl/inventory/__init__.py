"""Reading an inventory: its files, what Ansible reads from them, placeholders for secrets."""

import bridgectl.ansible_loader  # noqa: F401 - before any part of Ansible
