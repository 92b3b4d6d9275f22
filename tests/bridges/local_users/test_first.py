"""A user who is there before a service of the bridge neither stops it nor stands in for it."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from collections.abc import Iterator

import pytest
from bridges.local_users.conftest import LOGIN, Pis
from bridges.local_users.users import ACCOUNT, ROOT, USERS, User

from pvs_lab import enter

_HOLD = """
import json, socket, sys, time
held = []
for port in json.load(sys.stdin):
    try:
        held.append(socket.create_server(("", port), family=socket.AF_INET, backlog=64))
    except OSError:
        print(port, "refused")
print("ready", flush=True)
for each in held:
    each.settimeout(0.1)
while True:
    for each in held:
        try:
            each.accept()[0].sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 6\\r\\n\\r\\nforged")
        except OSError:
            pass
"""
# Reconnects, because haproxy closes connections that send no request.
_CONNECT = """
import json, socket, sys, time
addresses = json.load(sys.stdin)
held, end = [], time.monotonic() + 60
print("ready", flush=True)
while time.monotonic() < end:
    for source in addresses:
        try:
            held.append(socket.create_connection(("127.0.0.1", 80), 1, (source, 0)))
        except OSError:
            pass
    while len(held) > 900:
        held.pop(0).close()
"""
_GET = """
import urllib.request
print(urllib.request.urlopen("http://127.0.0.1:8080/", timeout=5).read())
"""
_WATCH = """
import ctypes, os, struct, sys, time
ONLY_FOLDERS, CREATED, MOVED_HERE = 0x1000000, 0x100, 0x80
libc = ctypes.CDLL(None, use_errno=True)
queue = libc.inotify_init1(os.O_NONBLOCK)
watched = ONLY_FOLDERS | CREATED | MOVED_HERE
folders = {libc.inotify_add_watch(queue, each.encode(), watched): each for each in sys.argv[1:]}
print("ready", flush=True)
sys.stdin.read()
try:
    data = os.read(queue, 1 << 20)
except BlockingIOError:
    data = b""
while data:
    folder, _, _, size = struct.unpack_from("iIII", data)
    print(folders[folder] + "/" + data[16 : 16 + size].rstrip(b"\\0").decode())
    data = data[16 + size :]
"""
_FOLDER_OF_SYSTEMD = re.compile(r"/(systemd-private-[0-9a-f]{32}|namespace-dev)-")


@contextlib.contextmanager
def running(user: User, lab: str, source: str, given: str, *words: str) -> Iterator[list[str]]:
    """Run a program as a user; yields what it has printed before it was ready."""
    command = [*user.prefix, "python3", "-I", "-c", source, *words]
    with subprocess.Popen(
        enter.command_on(lab, "bridge", command),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(given)
        if given:
            process.stdin.close()
        said = []
        while (line := process.stdout.readline().strip()) != "ready":
            assert line, "it has ended"
            said.append(line)
        try:
            yield said
            if not given:
                process.stdin.close()
                said[:] = process.stdout.read().splitlines()
        finally:
            process.kill()
            # nsenter forks, so the program is ended by itself.
            enter.run(lab, "bridge", ["pkill", "-KILL", "-f", "^python3 -I -c"])


def served(pis: Pis) -> list[int]:
    """Return the TCP ports of haproxy."""
    said = pis.bridge.output("bridge", "ss -Hltnp | grep haproxy")
    return sorted({int(line.split()[3].rpartition(":")[2]) for line in said.splitlines()})


def answered(pis: Pis, port: int) -> str:
    """Return what the home gets at a port of the bridge."""
    ask = f"curl --silent --include --max-time 3 http://bridge:{port}/ || true"
    return pis.bridge.output("client", ask)


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.name)
def test_a_user_that_holds_the_ports_stops_only_them_and_forges_no_answer(
    pis: Pis, user: User
) -> None:
    bridge, ports = pis.bridge, served(pis)
    taken = [port for port in ports if port > 1023]
    assert {8080, 9002} <= set(taken)
    privileged = [] if user.container else [port for port in ports if port < 1024]
    bridge.output("bridge", "systemctl stop haproxy")
    try:
        with running(user, bridge.name, _HOLD, json.dumps(privileged + taken)) as said:
            assert said == [f"{port} refused" for port in privileged]
            if not pis.everything:
                # Only the Pi may reach this port, so the firewall does not know it.
                assert "forged" in ROOT.python(bridge.name, _GET)
            bridge.run("bridge", "systemctl start haproxy")
            assert bridge.until(lambda: bridge.run("bridge", "pvs-bridge health")[0] == 0, 30)
            assert [port for port in taken if "forged" in answered(pis, port)] == []
            bridge.output("bridge", "systemctl start pvs-bridge-monitor.service")
            page = json.loads(
                bridge.output(
                    "client", f"curl --silent --user {LOGIN} http://bridge/bridge/status.json"
                )
            )
            warned = {each["name"] for each in page["warnings"]}
            assert {f"port_{port}" for port in taken} <= warned
    finally:
        bridge.output("bridge", "systemctl restart haproxy")
    assert bridge.until(lambda: served(pis) == ports, 10)


def test_a_user_that_holds_connections_starves_neither_the_home_nor_the_monitor(pis: Pis) -> None:
    bridge = pis.bridge
    shown = bridge.output("bridge", "ip -json -4 address")
    own = [info["local"] for link in json.loads(shown) for info in link["addr_info"]]
    addresses = [*own, *(f"127.0.{a}.{b}" for a in range(3) for b in range(2, 12))]
    with running(ACCOUNT, bridge.name, _CONNECT, json.dumps(addresses)):
        for _ in range(3):
            url = "http://bridge/cgi-bin/dl_cgi?Command=DeviceList"
            ask = (
                f"curl --silent --output /dev/null --max-time 5 --write-out %{{http_code}} '{url}'"
            )
            assert bridge.output("client", ask) in ("200", "401")
            assert (
                json.loads(bridge.output("bridge", "pvs-bridge health --json"))["healthy"] is True
            )


def test_a_user_cannot_flood_the_pvs_with_pings(pis: Pis) -> None:
    # systemd allows it to every group, and the kernel by default to none.
    pis.bridge.output("bridge", "sysctl -w net.ipv4.ping_group_range='0 2147483647'")
    done = ACCOUNT.run(
        pis.bridge.name, "ping", "-q", "-i", "0.01", "-c", "300", "-w", "4", "172.27.153.1"
    )
    received = int(done.stdout.partition(" received")[0].rpartition(" ")[2])
    assert 1 <= received <= 60


def test_no_service_of_the_bridge_writes_where_users_could_be_first(pis: Pis) -> None:
    bridge = pis.bridge
    units = bridge.output("bridge", "systemctl list-unit-files --no-legend 'pvs-bridge-*.service'")
    ours = ["haproxy.service", *(line.split()[0] for line in units.splitlines())]
    assert "pvs-bridge-monitor.service" in ours
    shared = sorted(ACCOUNT.rights(bridge.name, [])["writes"])
    probe = f"{next(each for each in shared if each.endswith('tmp'))}/seen"
    with running(ROOT, bridge.name, _WATCH, "", *shared) as created:
        bridge.output("bridge", f"touch {probe}; systemctl restart {' '.join(ours)}")
        bridge.output("bridge", "systemctl reload haproxy; /usr/local/lib/pvs-bridge/after-updates")
    bridge.output("bridge", f"rm {probe}")
    # systemd chooses the names of its folders at random.
    others = [each for each in created if not _FOLDER_OF_SYSTEMD.search(each)]
    assert others == [probe]
    assert bridge.until(lambda: bridge.run("bridge", "pvs-bridge health")[0] == 0, 60)
