"""Prepares Ansible's importer; import this module before any other part of Ansible."""

from __future__ import annotations

import os
import tempfile

from bridgectl.paths import PROJECT

# Ansible reads both at its first import. The home of the user may not be writable, so temporary
# files go elsewhere.
os.environ["ANSIBLE_CONFIG"] = str(PROJECT / "ansible.cfg")
os.environ.setdefault("ANSIBLE_LOCAL_TEMP", tempfile.gettempdir())

from ansible.plugins.loader import init_plugin_loader
from ansible.utils.collection_loader import AnsibleCollectionConfig

# Ansible's own importer must import the collection. Programs that already use Ansible have set it
# up.
if AnsibleCollectionConfig.collection_finder is None:
    init_plugin_loader()
