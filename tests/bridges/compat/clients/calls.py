"""The calls of the field's kinds of programs, to the byte as far as it matters to a bridge.

Each is run in the home by the name of its kind, and prints as JSON what it has read, for the test
to compare. None looks at more of an answer than the program that it stands for.
"""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

DEVICE_LIST = "/cgi-bin/dl_cgi?Command=DeviceList"
GET_COMM = "/cgi-bin/dl_cgi?Command=Get_Comm"
GRID_PROFILE = "/cgi-bin/dl_cgi?Command=GridProfileGet"
STORAGE = "/cgi-bin/dl_cgi/energy-storage-system/status"

Read = dict[str, Any]


def integration(host: str) -> Read:
    """Home Assistant's integrations: they ignore the status, and wait two minutes."""
    headers = {"User-Agent": "python-requests/2.32.3", "Accept": "*/*", "Connection": "keep-alive",
               "Accept-Encoding": "gzip, deflate"}  # fmt: skip
    answers = {}
    for target in (DEVICE_LIST, GET_COMM, STORAGE):
        connection = http.client.HTTPConnection(host, timeout=120)
        connection.request("GET", target, headers=headers)
        answers[target] = json.loads(connection.getresponse().read())
        connection.close()
    return answers


def exporter(host: str) -> Read:
    """Exporters for Prometheus: all of a scrape on one connection, within 10 seconds."""
    headers = {"User-Agent": "Go-http-client/1.1", "Accept-Encoding": "gzip"}
    connection = http.client.HTTPConnection(host, timeout=10)
    connection.connect()
    socket = connection.sock
    answers = {}
    for command in ("Start", "Get_Comm", "GridProfileGet", "DeviceList", "Stop"):
        target = f"/cgi-bin/dl_cgi?Command={command}"
        connection.request("GET", target, headers=headers)
        response = connection.getresponse()
        answers[target] = json.loads(response.read())
        if response.status != 200 or answers[target]["result"] != "succeed":
            raise ValueError(f"{command}: {response.status}")
        # http.client would make a new one where the bridge has closed this.
        if connection.sock is not socket:
            raise ValueError(f"{command}: the connection was closed")
    connection.close()
    return answers


def command_line(host: str) -> Read:
    """Tools for a shell: one device list, within 30 seconds."""
    connection = http.client.HTTPConnection(host, timeout=30)
    connection.request("GET", DEVICE_LIST, headers={"User-Agent": "curl/8.5.0", "Accept": "*/*"})
    response = connection.getresponse()
    if response.status != 200:
        raise ValueError(f"status {response.status}")
    return {DEVICE_LIST: json.loads(response.read())}


KINDS: Mapping[str, Callable[[str], Read]] = {
    "integration": integration,
    "exporter": exporter,
    "command_line": command_line,
}
"""Every kind that speaks the older interface."""


if __name__ == "__main__":
    print(json.dumps(KINDS[sys.argv[1]](sys.argv[2])))
