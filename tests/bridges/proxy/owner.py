"""The owner of a PVS with the newer interface, who knows its password."""

from __future__ import annotations

import base64
from typing import Any

from bridges.proxy.home import Home

from pvs_sim.client import Answer

OPEN, LOCKED = 61707, 61846


def new_api(home: Home) -> Home:
    """Give the PVS a firmware with the newer interface."""
    home.pvs.call(lambda box: box.install(LOCKED))
    return home


def ask_to_log_in(home: Home, **how: Any) -> Answer:  # noqa: ANN401 - as ask's
    """Ask for a session, with the right password."""
    password = home.pvs.call(lambda box: box.state.password)
    credentials = base64.b64encode(f"ssm_owner:{password}".encode()).decode()
    return home.ask("/auth?login", headers={"Authorization": f"basic {credentials}"}, **how)


def log_in(home: Home) -> dict[str, str]:
    """Log in; return the header of the session."""
    answer = ask_to_log_in(home)
    assert answer.status == 200  # noqa: S101 - for tests
    return {"Cookie": (answer.header("Set-Cookie") or "").split(";")[0]}
