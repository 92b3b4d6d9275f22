"""``make validate``: checks configurations of bridges without a Pi.

=====================  ===========================================================================
``run``                the whole validation
``supervision``        a process of bounded memory and time
``confinement``        refuses templates that run programs or read files and secrets
``bridge``             one bridge: checks its variables, renders its files
``rendered_files``     evaluates the tasks of site.yml that write files
``assumed_pi``         the facts of the Pi that is assumed for rendering
``render_cache``       renders equal values of several bridges once
``jinja_cache``        compiles each template once
``fleet``              compares the bridges with each other
``plaintext_secrets``  finds secrets that git would publish
``checkers``           checks the files with their daemons, which ``daemons`` lists
``output_folder``      the rendered files, to read and to compare
``report``             the result, which ``formats`` converts to text, JSON, JUnit and GitHub
=====================  ===========================================================================
"""

import bridgectl.ansible_loader  # noqa: F401 - before any part of Ansible
