"""`python3 -m pvs_sim` runs a simulator until it is told to stop."""

import sys

from .cli import main

sys.exit(main())
