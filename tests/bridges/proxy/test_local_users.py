"""Users of the Pi, and containers on its network, cannot pass the guard."""

from __future__ import annotations

import contextlib
import json
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

from bridges.proxy.home import Home

from proxy_rig.haproxy import Haproxy
from pvs_bridge.proxy.drain import AdminSocket, reload
from pvs_lab.process import wait_until

UNPRIVILEGED_UID = 65534
MODES = {"admin.sock": 0o600, "serial.sock": 0o600, "compat.sock": 0o660, "figures.sock": 0o660}
_LISTENING = "00010000"
_CONNECT = """
import json, os, socket, sys
pid, user, names = int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
os.chroot(f"/proc/{pid}/root")
os.setgroups([])
os.setgid(user)
os.setuid(user)
found = {}
for name in names:
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(name.replace("@", "\\0", 1))
            found[name] = "open"
        except OSError as error:
            found[name] = type(error).__name__
print(json.dumps(found))
"""


def listening(haproxy: Haproxy) -> list[str]:
    """The Unix sockets that listen in the bridge's network namespace; @ begins abstract names."""
    rows = [line.split() for line in Path(f"/proc/{haproxy.pid}/net/unix").read_text().splitlines()]
    return sorted({row[7] for row in rows[1:] if len(row) > 7 and row[3] == _LISTENING})


def modes_of_sockets(haproxy: Haproxy) -> dict[str, int]:
    """Return the modes of haproxy's socket files, when it has bound all, one after the other."""
    assert wait_until(lambda: {each.name for each in haproxy.sockets} == set(MODES), 10)
    return {each.name: stat.S_IMODE(each.stat().st_mode) for each in haproxy.sockets}


def connect_as(home: Home, haproxy: Haproxy, user: int, names: list[str]) -> dict[str, str]:
    """Connect to Unix sockets of haproxy as a user; return "open" or the error's type."""
    words = [sys.executable, "-c", _CONNECT, str(haproxy.pid), str(user), json.dumps(names)]
    process = home.world.bridge.popen(words, subprocess.PIPE)
    output, _ = process.communicate(timeout=30)
    found: dict[str, str] = json.loads(output)
    return found


def test_other_users_cannot_connect_to_any_socket_of_haproxy(home: Home) -> None:
    with home.bridge() as haproxy:
        # An abstract socket (@) has no owner and no mode. haproxy binds the others under a
        # temporary name, and renames them.
        assert [name for name in listening(haproxy) if not name.startswith("/run/haproxy/")] == []
        names = [f"/run/haproxy/{name}" for name in modes_of_sockets(haproxy)]
        # Root can connect, so only the permissions refuse the user below.
        assert connect_as(home, haproxy, 0, names) == dict.fromkeys(names, "open")
        assert connect_as(home, haproxy, UNPRIVILEGED_UID, names) == dict.fromkeys(
            names, "PermissionError"
        )


def test_only_the_group_haproxy_may_use_the_sockets_of_the_compat_service(home: Home) -> None:
    with home.bridge() as haproxy:
        assert modes_of_sockets(haproxy) == MODES


def test_reloads_under_load_send_one_request_at_a_time(home: Home) -> None:
    done = threading.Event()
    statuses = []

    def ask() -> None:
        while not done.is_set():
            with contextlib.suppress(OSError):
                statuses.append(home.ask(timeout_seconds=3).status)
            # A reload needs the processor too, and 503 comes at once.
            time.sleep(0.1)

    with home.bridge(proxy_cache_seconds=0) as haproxy, home.clients(6) as pool:
        home.pvs.call(lambda box: box.set_settings({"latency_seconds": 0.1}))
        admin = AdminSocket(haproxy.admin_socket)
        asking = [pool.submit(ask) for _ in range(6)]
        try:
            for _ in range(4):
                assert reload(admin, haproxy.pid) == 0
        finally:
            done.set()
        for each in asking:
            each.result()
        home.settle_without_reset()
        stats = home.stats()
    assert stats["most_in_flight"]["total"] == 1
    assert stats["by_command"]["DeviceList"] >= statuses.count(200) > 0
    assert set(statuses) <= {200, 503}
