"""The package sungazer reads all that its commands show.

usage: sungazer_reads.py HOST SERIAL
"""

from __future__ import annotations

import json
import sys
from typing import Any

from sungazer.client import SungazerClient


def read(host: str, serial: str) -> dict[str, Any]:
    """Run each command that reads; the package checks the types of every key that it knows."""
    with SungazerClient(f"http://{host}/cgi-bin", timeout=60, serial=serial) as client:
        answers = {
            "start": client.session.start(),
            "network": client.network.list(),
            "devices": client.devices.list(),
            "grid_profile": client.grid_profiles.get(),
            "firmware": client.firmware.check(),
            "stop": client.session.stop(),
        }
    return {name: answer.model_dump(mode="json") for name, answer in answers.items()}


if __name__ == "__main__":
    print(json.dumps(read(*sys.argv[1:])))
