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

import bridgectl.ansible_loader  # noqa: F401 - before anything of Ansible
