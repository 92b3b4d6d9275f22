#!/usr/bin/python
"""Ask for one URL.

The action plugin sends this file to the host's Python as it is; see bridge_facts.
"""

# ruff: noqa: E402 - Ansible wants a module's documentation before its imports

from __future__ import annotations

DOCUMENTATION = r"""
module: http_get
author: The pvs-bridge authors
version_added: "0.2.0"
short_description: Ask for one URL
description:
  - Does what the health check needs of M(ansible.builtin.uri), in half the time. It uses no proxy
    and offers no compression.
  - Returns the form of the answer without its lists and mappings, because the result is shown with
    C(-v), and a device list contains the PVS's serial number, whose end is the password.
options:
  url:
    description: What to ask for, by HTTP.
    type: str
    required: true
  timeout:
    description: Seconds until the answer has to begin.
    type: int
    default: 30
  username:
    description: For basic authentication; none where it is empty.
    type: str
    default: ""
  password:
    description: For basic authentication.
    type: str
    default: ""
attributes:
  action:
    description: Runs as an action plugin on the controller, which runs the module on the host.
    support: full
  async:
    description: Can be run in the background with C(async).
    support: none
  check_mode:
    description: Changes nothing, so that it does the same in check mode.
    support: full
  diff_mode:
    description: Shows the difference that a change makes.
    support: none
    details: There is no change.
  platform:
    description: Systems that it can be used for.
    support: full
    platforms: posix
requirements:
  - Python 3.9 or later on the host
seealso:
  - module: ansible.builtin.uri
"""

EXAMPLES = r"""
- name: Ask for the devices
  pvs_bridge.core.http_get:
    url: http://garage/cgi-bin/dl_cgi?Command=DeviceList
    timeout: 130
  register: devices
"""

RETURN = r"""
status:
  description: The status of HTTP; -1 where no answer came.
  returned: always
  type: int
  sample: 200
answer:
  description:
    - The values of the answer that are texts or numbers.
    - For a list or a mapping, the number of its items.
  returned: when the answer is a mapping in JSON
  type: dict
  sample: {result: succeed, devices: 14}
msg:
  description: What went wrong, or that nothing did.
  returned: always
  type: str
  sample: OK
"""

import base64
import json
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any

_MOST_BYTES = 16 * 1024 * 1024


def get(url: str, timeout: float, username: str, password: str) -> dict[str, Any]:
    """Ask for a URL.

    Args:
        url: by HTTP.
        timeout: seconds until the answer has to begin, and to go on.
        username: empty for none.
        password: of that user.

    Returns:
        what the module returns.
    """
    request = urllib.request.Request(url)  # noqa: S310 - the role asks by HTTP alone
    if username:
        credentials = base64.b64encode(f"{username}:{password}".encode()).decode()
        request.add_header("Authorization", f"Basic {credentials}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout) as answer:
            status, body = answer.status, answer.read(_MOST_BYTES)
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read(_MOST_BYTES)
    except (OSError, HTTPException, ValueError) as error:
        return {"status": -1, "msg": f"Request failed: {error}"}
    msg = "OK" if status == 200 else f"Status code was {status} and not [200]"
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    form = {"answer": _form(found)} if isinstance(found, dict) else {}
    return {"status": status, "msg": msg, **form}


def _form(answer: dict[str, Any]) -> dict[str, Any]:
    return {
        key: len(value) if isinstance(value, (dict, list)) else value
        for key, value in answer.items()
    }


def main(arguments: dict[str, Any]) -> None:
    """Print the result, as JSON.

    Args:
        arguments: the module's options.
    """
    print(json.dumps(get(**arguments)))
