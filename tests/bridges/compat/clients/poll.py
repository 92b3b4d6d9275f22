"""A program that sends a command again and again, and prints one line of JSON for each answer.

usage: poll.py HOST INTERVAL_SECONDS COUNT [COMMAND]
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from typing import Any


def poll(host: str, command: str) -> dict[str, Any]:
    """Ask once."""
    connection = http.client.HTTPConnection(host, timeout=60)
    connection.request("GET", f"/cgi-bin/dl_cgi?Command={command}")
    response = connection.getresponse()
    body = response.read()
    connection.close()
    try:
        answer = json.loads(body)
    except ValueError:
        answer = {}
    return {
        "at": time.time(),
        "status": response.status,
        "headers": {name.lower(): value for name, value in response.getheaders()},
        "result": answer.get("result"),
        "error": answer.get("error"),
        "devices": len(answer.get("devices", [])),
    }


def main(host: str, interval_seconds: float, count: int, command: str = "DeviceList") -> None:
    """Ask so many times, by a beat."""
    due = time.monotonic()
    for _ in range(count):
        time.sleep(max(0.0, due - time.monotonic()))
        due += interval_seconds
        print(json.dumps(poll(host, command)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
