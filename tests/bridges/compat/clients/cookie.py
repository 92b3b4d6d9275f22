"""A program for the newer interface, on port 80, with the jar for cookies that Python comes with.

usage: cookie.py HOST SERIAL
"""

from __future__ import annotations

import base64
import http.cookiejar
import json
import sys
import urllib.request
from typing import Any


def read(host: str, serial: str) -> dict[str, Any]:
    """Log in and read the inverters; the jar decides whether the cookie is sent back."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    credentials = base64.b64encode(f"ssm_owner:{serial[-5:]}".encode()).decode()
    login = urllib.request.Request(
        f"http://{host}/auth?login", headers={"Authorization": f"basic {credentials}"}
    )
    opener.open(login, timeout=30).close()
    with opener.open(f"http://{host}/vars?match=inverter&fmt=obj", timeout=30) as response:
        values: dict[str, Any] = json.load(response)
    return values


if __name__ == "__main__":
    print(json.dumps(read(*sys.argv[1:])))
