"""A program that asks for DeviceList again and again, and prints one line of JSON for each answer.

usage: poll.py HOST INTERVAL_SECONDS COUNT
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from typing import Any

DEVICE_LIST = "/cgi-bin/dl_cgi?Command=DeviceList"


def poll(host: str) -> dict[str, Any]:
    """Ask once."""
    connection = http.client.HTTPConnection(host, timeout=60)
    connection.request("GET", DEVICE_LIST)
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


def main(host: str, interval_seconds: float, count: int) -> None:
    """Ask so many times, by a beat."""
    due = time.monotonic()
    for _ in range(count):
        time.sleep(max(0.0, due - time.monotonic()))
        due += interval_seconds
        print(json.dumps(poll(host)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
