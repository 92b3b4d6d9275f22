"""The service behind the bridge's status page."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pvs_bridge.status.document import Documents, Sources
from pvs_bridge.status.server import listen, serve, tell_systemd


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until it is stopped; the exit status."""
    known = Sources()
    parser = argparse.ArgumentParser(prog="pvs-bridge status", description=__doc__)
    parser.add_argument(
        "--socket", type=Path, default=Path("/run/pvs-bridge-status/http.sock"), metavar="PATH"
    )
    parser.add_argument("--state", type=Path, default=known.state, metavar="FILE")
    parser.add_argument("--incidents", type=Path, default=known.incidents, metavar="FILE")
    options = parser.parse_args(arguments)
    try:
        listener = listen(options.socket)
    except OSError as error:
        print(
            f"pvs-bridge status: {options.socket}: {error.strerror or error}; its folder has to be "
            "there, and to belong to this service: restart it by systemctl",
            file=sys.stderr,
        )
        return 1
    with listener:
        tell_systemd()
        serve(listener, Documents(Sources(options.state, options.incidents)))
    return 0
