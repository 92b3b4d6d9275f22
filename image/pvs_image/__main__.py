"""``python3 -m pvs_image``."""

import io
import sys

from pvs_image.cli import main

if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Show each line at once, even through a pipe.
        sys.stdout.reconfigure(line_buffering=True)
    sys.exit(main())
