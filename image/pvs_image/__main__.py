"""``python3 -m pvs_image``."""

import io
import sys

from pvs_image.paths import PROJECT

# The builder reads inventories as the controller does.
sys.path[:0] = [str(PROJECT / "ansible"), str(PROJECT / "ansible/collections")]

from pvs_image.cli import main  # noqa: E402 - it imports the controller

if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Show each line at once, even through a pipe.
        sys.stdout.reconfigure(line_buffering=True)
    sys.exit(main())
