"""pvs-bridge status: serve the data of the bridge's status page."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pvs_bridge.history import store
from pvs_bridge.status.document import Documents, Sources
from pvs_bridge.status.history import History
from pvs_bridge.status.server import listen, serve, tell_systemd


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until stopped, and return the exit status."""
    known = Sources()
    parser = argparse.ArgumentParser(prog="pvs-bridge status", description=__doc__)
    parser.add_argument(
        "--socket", type=Path, default=Path("/run/pvs-bridge-status/http.sock"), metavar="PATH"
    )
    parser.add_argument("--state", type=Path, default=known.state, metavar="FILE")
    parser.add_argument("--events", type=Path, default=known.events, metavar="FILE")
    parser.add_argument("--history", type=Path, default=store.FOLDER, metavar="FOLDER")
    parser.add_argument("--live-data", action="store_true", help="offer live data to the page")
    options = parser.parse_args(arguments)
    try:
        listener = listen(options.socket)
    except OSError as error:
        print(
            f"pvs-bridge status: {options.socket}: {error.strerror or error}. Hint: start the "
            "service with systemctl, which creates the socket's folder",
            file=sys.stderr,
        )
        return 1
    with listener:
        tell_systemd()
        documents = Documents(
            Sources(options.state, options.events), has_live_data=options.live_data
        )
        serve(listener, documents, History(options.history))
    return 0
