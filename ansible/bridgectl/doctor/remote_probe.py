"""The Pi as the health check sees it: its own judgement holds, whatever works on the Pi."""

from __future__ import annotations

import errno
import http.client
import io
import re
import time
from collections.abc import Callable, Mapping
from ipaddress import IPv4Interface

from bridgectl.doctor.probe_output import Recording
from bridgectl.doctor.session import Ran
from pvs_bridge.host.network import ipv4_interfaces, route_interfaces
from pvs_bridge.host.probe import ProbeError, Reply, Signal

_ROUND_TRIP_SECONDS = 15
_HOST = re.compile(r"[0-9.]+")
_PATH = re.compile(r"/[A-Za-z0-9_./?=&,-]*")

# bash is on every Debian, and curl is not. As haproxy, because a firewall may let nobody else
# through to the PVS.
_CONNECT = """
export LC_ALL=C
try='exec 3<> /dev/tcp/{address}/{port}'
if [ "$(id -u)" = 0 ] && id haproxy > /dev/null 2>&1; then
    setpriv --reuid=haproxy --regid=haproxy --clear-groups timeout {seconds} bash -c "$try" 2>&1
else
    timeout {seconds} bash -c "$try" 2>&1
fi
"""
_GET = """
timeout {seconds} bash -c 'exec 3<> /dev/tcp/127.0.0.1/{port} || exit 7
printf "GET {path} HTTP/1.1\\r\\nHost: localhost\\r\\nUser-Agent: pvs-bridge-doctor\\r\\n\
Connection: close\\r\\n\\r\\n" >&3
cat <&3'
"""
_TOOK_TOO_LONG = 124
_NOT_CONNECTED = 7

Run = Callable[[str, float], Ran]


class RemotePi:
    """What ``pvs_bridge.health.checks`` asks, answered by a recording, and by the Pi's shell."""

    def __init__(self, recording: Recording, run: Run) -> None:
        """Look at a recording; ``run`` has the Pi's shell read a script, within so many seconds."""
        self._recording = recording
        self._run = run
        self.replies: dict[str, Reply] = {}

    def signal(self, interface: str) -> Signal:
        """Tell how an interface is."""
        state = links(self._recording).get(interface)
        if state is None:
            return Signal.MISSING
        return {"1": Signal.UP, "0": Signal.NONE}.get(state, Signal.OFF)

    def addresses(self, interface: str) -> list[IPv4Interface]:
        """Return an interface's IPv4 addresses.

        Raises:
            ProbeError: `ip` cannot tell.
        """
        entries = self._recording.json("addresses")
        if entries is None:
            raise ProbeError("not checked: ip failed")
        return ipv4_interfaces(each for each in entries if each.get("ifname") == interface)

    def default_routes(self) -> list[str]:
        """Return the interfaces that default routes lead out of, IPv6 included.

        Raises:
            ProbeError: `ip` cannot tell.
        """
        found: list[str] = []
        for family in ("routes_ipv4", "routes_ipv6"):
            routes = self._recording.json(family)
            if routes is None:
                raise ProbeError("not checked: ip failed")
            found += route_interfaces(routes)
        return found

    def connect(self, address: str, port: int, seconds: float) -> None:
        """Open a TCP connection on the Pi and close it.

        Raises:
            OSError: It does not come about.
        """
        if not _HOST.fullmatch(address):
            raise OSError(f"no address: {address}")
        script = _CONNECT.format(address=address, port=int(port), seconds=max(1, int(seconds)))
        done = self._run(script, seconds + _ROUND_TRIP_SECONDS)
        if done.status == 0:
            return
        said = done.output.decode(errors="replace")
        if done.status in (_TOOK_TOO_LONG, -1) or "timed out" in said:
            raise TimeoutError
        if "refused" in said:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        if "reset" in said:
            raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
        if "Network is unreachable" in said:
            # The bridge's firewall says so to who may not ask.
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        raise OSError(said.strip().rpartition(": ")[2] or f"status {done.status}")

    def get(self, port: int, path: str, seconds: float) -> Reply:
        """Ask the Pi's own proxy.

        Raises:
            OSError: There is no connection, no answer in time, or it broke off before one.
            http.client.HTTPException: What came is not HTTP.
        """
        if not _PATH.fullmatch(path):
            raise OSError(f"no path: {path}")
        script = _GET.format(port=int(port), path=path, seconds=max(1, int(seconds)))
        done = self._run(script, seconds + _ROUND_TRIP_SECONDS)
        if done.status == _NOT_CONNECTED:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        if done.status in (_TOOK_TOO_LONG, -1):
            raise TimeoutError
        self.replies[path] = parse_reply(done.output)
        return self.replies[path]

    def clock(self) -> float:
        """Return seconds that only ever grow."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Do nothing for a while."""
        time.sleep(seconds)


def links(recording: Recording) -> Mapping[str, str]:
    """Return what each interface says of its carrier: 1, 0, or off."""
    rows = (line.split() for line in recording["links"].text.splitlines())
    return {row[0]: row[1] for row in rows if len(row) == 3}


class _Received:
    """Bytes as a socket, for http.client."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def makefile(self, *_: object) -> io.BytesIO:
        """Give them to be read."""
        return io.BytesIO(self._content)


def parse_reply(received: bytes) -> Reply:
    """Read an HTTP answer of which all has come that will.

    Raises:
        ConnectionResetError: Nothing has come.
        http.client.HTTPException: What came is not HTTP.
    """
    if not received:
        raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
    response = http.client.HTTPResponse(_Received(received))  # type: ignore[arg-type] # enough of one
    response.begin()
    headers = {name.lower(): value for name, value in response.getheaders()}
    whole = True
    try:
        body = response.read()
    except http.client.IncompleteRead as error:
        body, whole = error.partial, False
    return Reply(response.status, headers, body, whole, old=response.version == 10)
