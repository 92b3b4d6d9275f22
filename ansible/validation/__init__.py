"""``make validate``: proves a description of bridges before it travels, without any Pi.

==============  ==============================================================================
``sources``     the inventory's files by themselves: broken YAML, what Ansible would ignore
``inventory``   what Ansible makes of them: bridges, their variables, the steps of site.yml
``bridges``     one bridge: its variables judged, its files rendered
``walk``        the roles' own tasks, as far as they write files
``memory``      texts that several bridges have in common are rendered once
``compiling``   has Jinja do the same for what they are made of
``fleet``       the bridges against each other
``clear_text``  secrets that git would publish
``checkers``    each daemon's own judgement of its files
``folder``      the rendered files, to read and to diff
``report``      all that was found, and ``formats`` how it is shown
==============  ==============================================================================
"""

import os
import tempfile
from pathlib import Path

# Both are read when Ansible is imported first: the project's own settings, and a folder for what it
# leaves lying about, for the home of whoever runs this may not be writable.
os.environ["ANSIBLE_CONFIG"] = str(Path(__file__).resolve().parents[2] / "ansible.cfg")
os.environ.setdefault("ANSIBLE_LOCAL_TEMP", tempfile.gettempdir())

from ansible.plugins.loader import init_plugin_loader
from ansible.utils.collection_loader import AnsibleCollectionConfig

# Before anything of our collection is imported: it has to be found by Ansible's own importer. A
# program that uses Ansible already has seen to that.
if AnsibleCollectionConfig.collection_finder is None:
    init_plugin_loader()
