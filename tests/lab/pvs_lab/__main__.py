"""``python3 -m pvs_lab``: see :mod:`pvs_lab.cli`."""

import sys

from pvs_lab.cli import main

sys.exit(main())
