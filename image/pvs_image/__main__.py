"""``python3 -m pvs_image``."""

import sys

from pvs_image.cli import main

if __name__ == "__main__":
    sys.exit(main())
