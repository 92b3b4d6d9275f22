"""Prepares Ansible's importer; import this module before any other part of Ansible."""

from __future__ import annotations

import os
import tempfile

from bridgectl.paths import PROJECT

# Ansible reads both at its first import: the project's settings, and a folder for temporary files,
# because the home of the user may not be writable.
os.environ["ANSIBLE_CONFIG"] = str(PROJECT / "ansible.cfg")
os.environ.setdefault("ANSIBLE_LOCAL_TEMP", tempfile.gettempdir())

from ansible.plugins.loader import init_plugin_loader
from ansible.utils.collection_loader import AnsibleCollectionConfig

# The collection must be imported by Ansible's own importer. A program that uses Ansible already has
# set it up.
if AnsibleCollectionConfig.collection_finder is None:
    init_plugin_loader()
