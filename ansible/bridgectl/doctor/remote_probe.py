"""Run the health check of the agent on the controller, with the Pi's shell as its probe."""

from __future__ import annotations

import errno
import http.client
import io
import re
import socket
import time
from collections.abc import Callable, Mapping
from ipaddress import IPv4Interface

from bridgectl.doctor.probe_output import ProbeOutput
from bridgectl.doctor.session import ScriptResult
from pvs_bridge.host.network import (
    FIREWALL,
    PROXY_USER,
    SOCKETS,
    home_access,
    ipv4_interfaces,
    is_foreign,
    route_interfaces,
)
from pvs_bridge.host.probe import HomeAccess, ProbeError, Reply, Signal

_ROUND_TRIP_SECONDS = 15
_HOST = re.compile(r"[0-9.]+|[A-Za-z0-9-]+\.local")
_PATH = re.compile(r"/[A-Za-z0-9_./?=&,-]*")

# Every Debian has bash, but not curl. The user is haproxy, because the firewall may allow only this
# user to reach the PVS.
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
_SOCKETS = f"LC_ALL=C {' '.join(SOCKETS)}"
# Without nft there is no firewall of the bridge.
_RULES = (
    "export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin; "
    f"command -v nft > /dev/null || {{ echo No such file; exit 1; }}; {' '.join(FIREWALL)} 2>&1"
)
_TOOK_TOO_LONG = 124
_NOT_CONNECTED = 7

Run = Callable[[str, float], ScriptResult]


class RemoteProbe:
    """Probe of ``pvs_bridge.health.checks`` that uses the output of probe.sh and the Pi's shell."""

    def __init__(self, output: ProbeOutput, run: Run) -> None:
        """Keep the output; ``run`` executes a script on the Pi within a number of seconds."""
        self._output = output
        self._run = run
        self.replies: dict[str, Reply] = {}

    def signal(self, interface: str) -> Signal:
        """Return the state of an interface."""
        state = links(self._output).get(interface)
        if state is None:
            return Signal.MISSING
        return {"1": Signal.UP, "0": Signal.NONE}.get(state, Signal.OFF)

    def addresses(self, interface: str) -> list[IPv4Interface]:
        """Return an interface's IPv4 addresses.

        Raises:
            ProbeError: `ip` has failed.
        """
        entries = self._output.json("addresses")
        if entries is None:
            raise ProbeError("not checked: ip failed")
        return ipv4_interfaces(each for each in entries if each.get("ifname") == interface)

    def default_routes(self) -> list[str]:
        """Return the interfaces of all default routes, IPv6 included.

        Raises:
            ProbeError: `ip` has failed.
        """
        found: list[str] = []
        for family in ("routes_ipv4", "routes_ipv6"):
            routes = self._output.json(family)
            if routes is None:
                raise ProbeError("not checked: ip failed")
            found += route_interfaces(routes)
        return found

    def connect(self, address: str, port: int, seconds: float) -> None:
        """Open a TCP connection on the Pi and close it.

        Raises:
            OSError: the connection fails.
        """
        if not _HOST.fullmatch(address):
            raise OSError(f"not an address: {address}")
        script = _CONNECT.format(address=address, port=int(port), seconds=max(1, int(seconds)))
        done = self._run(script, seconds + _ROUND_TRIP_SECONDS)
        if done.status == 0:
            return
        said = done.output.decode(errors="replace")
        if done.status in (_TOOK_TOO_LONG, -1) or "timed out" in said:
            raise TimeoutError
        if "not known" in said or "name resolution" in said:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if "refused" in said:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        if "reset" in said:
            raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
        if "Network is unreachable" in said:
            # The bridge's firewall answers with this error.
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        raise OSError(said.strip().rpartition(": ")[2] or f"status {done.status}")

    def get(self, port: int, path: str, seconds: float) -> Reply:
        """Send a request to the Pi's proxy.

        Raises:
            OSError: the connection fails, or there is no answer in time.
            http.client.HTTPException: the answer is not HTTP.
        """
        if not _PATH.fullmatch(path):
            raise OSError(f"not a path: {path}")
        script = _GET.format(port=int(port), path=path, seconds=max(1, int(seconds)))
        done = self._run(script, seconds + _ROUND_TRIP_SECONDS)
        if done.status == _NOT_CONNECTED:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        if done.status in (_TOOK_TOO_LONG, -1):
            raise TimeoutError
        self.replies[path] = parse_reply(done.output)
        return self.replies[path]

    def home_access(self, port: int) -> HomeAccess:
        """Return whether the home network can reach a TCP port of the Pi.

        Raises:
            ProbeError: sockets or firewall cannot be read.
        """
        sockets = self._run(_SOCKETS, _ROUND_TRIP_SECONDS).output.decode(errors="replace")
        done = self._run(_RULES, _ROUND_TRIP_SECONDS)
        said = done.output.decode(errors="replace")
        return home_access(sockets, said, said if done.status else "", port)

    def is_foreign(self, port: int) -> bool:
        """Return whether another user than haproxy listens on a TCP port of the Pi.

        Raises:
            ProbeError: the connection fails.
        """
        done = self._run(f"id -u {PROXY_USER} && {_SOCKETS}", _ROUND_TRIP_SECONDS)
        user, _, sockets = done.output.decode(errors="replace").partition("\n")
        return user.isdecimal() and is_foreign(sockets, port, int(user))

    def clock(self) -> float:
        """Return the monotonic time in seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def links(output: ProbeOutput) -> Mapping[str, str]:
    """Return the carrier of each interface: 1, 0, or off."""
    rows = (line.split() for line in output["links"].text.splitlines())
    return {row[0]: row[1] for row in rows if len(row) == 3}


class _Received:
    """Wraps bytes as a socket for http.client."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def makefile(self, *_: object) -> io.BytesIO:
        """Return the bytes as a file."""
        return io.BytesIO(self._content)


def parse_reply(received: bytes) -> Reply:
    """Parse a complete or truncated HTTP response.

    Raises:
        ConnectionResetError: there is no response.
        http.client.HTTPException: the answer is not HTTP.
    """
    if not received:
        raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
    response = http.client.HTTPResponse(_Received(received))  # type: ignore[arg-type] # sufficient for a response
    response.begin()
    headers = {name.lower(): value for name, value in response.getheaders()}
    whole = True
    try:
        body = response.read()
    except http.client.IncompleteRead as error:
        body, whole = error.partial, False
    return Reply(response.status, headers, body, whole, old=response.version == 10)
