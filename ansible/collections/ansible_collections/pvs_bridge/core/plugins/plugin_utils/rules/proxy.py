"""Cross-checks of the proxy: what it lets through, to whom, and for how long.

No message holds a value out of ``proxy_users``: whoever forgets to hash a password writes the
password itself there.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from collections.abc import Iterator

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.findings import Fault, variable_name
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.suggestions import (
    closest,
    did_you_mean,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import (
    CrossCheck,
    Values,
    parse_interface,
    parse_ipv4,
    pvs_network,
)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# What is older than ten minutes tells nothing of the sun, and who waits longer has hung up.
_CACHE_SECONDS = range(601)
_WAITS = range(1, 601)
_RANGES = {
    "proxy_cache_seconds": _CACHE_SECONDS,
    # One page of the console already takes dozens.
    "proxy_client_requests_per_minute": range(60, 100_001),
    "proxy_pvs_timeout_seconds": _WAITS,
    "proxy_queue_length": range(1, 1001),
    "proxy_queue_timeout_seconds": _WAITS,
}

_PVS_VARIABLE = re.compile(r"(/[A-Za-z0-9_]+)+", re.ASCII)

_USER = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
# SHA-512 makes twice the letters of SHA-256.
_HASH = re.compile(
    r"\$(5|(?P<long>6))\$(rounds=(?P<rounds>[1-9][0-9]{0,8})\$)?[./A-Za-z0-9]{1,16}\$"
    r"[./A-Za-z0-9]{43}(?(long)[./A-Za-z0-9]{43})",
    re.ASCII,
)
# Above, each request keeps a Pi busy, and password_hash of Ansible makes 656,000. What is below,
# crypt(3) does not compute, so that no password fits.
_ROUNDS = range(1000, 20_001)

# Whence nobody of the internet can ask.
_PRIVATE_NETWORKS = tuple(
    ipaddress.IPv4Network(each)
    for each in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
    )
)
_LOOPBACK = ipaddress.IPv4Address("127.0.0.1")

_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?", re.ASCII)
_LONGEST_HOST = 253
_PORT_BEHIND = re.compile(r":[0-9]+$", re.ASCII)
_ORIGIN = re.compile(r"(?P<scheme>https?)://(?P<host>[^:/]+)(:(?P<port>[1-9][0-9]{0,4}))?")
_PORTS = range(1, 65536)
_SCHEME_PORTS = {"http": 80, "https": 443}


@dataclasses.dataclass(frozen=True)
class _Table:
    """What the role knows of the PVS's old API.

    Attributes:
        reading: commands that everybody may give.
        writing: commands that change a power plant.
        shared: commands and paths whose answers may be kept for a while.
    """

    reading: tuple[str, ...]
    writing: tuple[str, ...]
    shared: tuple[str, ...]


def _table(values: Values) -> _Table:
    reading = values.constant("__proxy_reading_commands") or ()
    writing = values.constant("__proxy_writing_commands") or ()
    paths = values.constant("__proxy_reading_paths") or ()
    cached = [each["name"] for each in reading if each["cached"]]
    return _Table(tuple(each["name"] for each in reading), tuple(writing), (*cached, *paths))


def numbers_are_within_their_range(values: Values) -> Iterator[Fault]:
    """Beyond these a typing error is likelier than a wish."""
    for name, possible in _RANGES.items():
        number = values.get(name)
        if isinstance(number, int) and number not in possible:
            span = f"{possible[0]} to {possible[-1]}"
            yield Fault((name,), f"{number} is not within {span}", f"write {span}")


def cache_times_are_for_what_is_shared(values: Values) -> Iterator[Fault]:
    """A time for what is never kept would be ignored, or worse, obeyed."""
    table = _table(values)
    span = f"{_CACHE_SECONDS[0]} to {_CACHE_SECONDS[-1]}"
    for key, seconds in values.mapping("proxy_command_cache_seconds").items():
        name = str(key)
        path = ("proxy_command_cache_seconds", name)
        if name in table.shared:
            # Python takes True for 1, a person who writes a time does not.
            whole = isinstance(seconds, int) and not isinstance(seconds, bool)
            if not whole or seconds not in _CACHE_SECONDS:
                problem = f"is not a whole number from {span}"
                yield Fault(path, problem, f"write seconds without quotes, {span}")
        elif name in (*table.reading, *table.writing):
            yield Fault(path, "is a command whose answer is never kept", "remove it")
        else:
            problem = "is no command or path whose answer may be kept"
            yield Fault(path, problem, did_you_mean(name, table.shared))


def allowed_commands_are_writing_ones(values: Values) -> Iterator[Fault]:
    """What reads is open to all, and what nobody knows may do anything to a power plant."""
    table = _table(values)
    for index, command in values.texts("proxy_allow_commands"):
        path = ("proxy_allow_commands", index)
        if command in table.reading:
            yield Fault(path, f"{command} is open anyway", "remove it")
        elif command not in table.writing:
            hint = did_you_mean(command, table.writing)
            meant = closest(command, (*table.reading, *table.writing))
            if meant in table.reading:
                hint = f"remove it; if it is to be {meant}, that is open anyway"
            yield Fault(path, f"{command!r} is no command that writes", hint)


def allowed_variables_are_variables(values: Values) -> Iterator[Fault]:
    """They become part of a pattern, where a dot or a bar would open more than one."""
    for index, written in values.texts("proxy_allow_variables"):
        if not _PVS_VARIABLE.fullmatch(written):
            yield Fault(
                ("proxy_allow_variables", index),
                f"{written!r} is no variable of a PVS",
                "write its whole name, such as /sys/telemetryws/enable",
            )


def what_is_allowed_is_named_once(values: Values) -> Iterator[Fault]:
    """Whoever takes one of two away believes that it is closed."""
    for name in ("proxy_allow_commands", "proxy_allow_variables"):
        seen: dict[str, int] = {}
        for index, written in values.texts(name):
            if written in seen:
                first = variable_name((name, seen[written]))
                yield Fault((name, index), f"is the same as {first}", "remove one of them")
            seen.setdefault(written, index)


def writes_are_acknowledged(values: Values) -> Iterator[Fault]:
    """Nobody opens a power plant to writes by one line copied from somewhere."""
    acknowledged = "proxy_writes_acknowledged"
    if values.get(acknowledged) or values.is_wrong(acknowledged):
        return
    reading = _table(values).reading
    commands = [each for _, each in values.texts("proxy_allow_commands") if each not in reading]
    opened = (
        ("proxy_allow_commands", commands, "lets commands through that change a power plant"),
        (
            "proxy_allow_variables",
            values.texts("proxy_allow_variables"),
            "lets settings of a power plant be changed",
        ),
        (
            "proxy_sunvault_enabled",
            values.get("proxy_sunvault_enabled"),
            "lets Modbus through, which commands a battery",
        ),
    )
    for name, is_open, problem in opened:
        if is_open:
            yield Fault(
                (name,),
                problem,
                f"set {acknowledged}: true if you know what that can do, or remove {name}",
            )


def sunvault_is_beside_the_pvs(values: Values) -> Iterator[Fault]:
    """Its gateway hangs on the PVS's network, where each has an address of its own."""
    path = ("proxy_sunvault_address",)
    written = values.text("proxy_sunvault_address")
    pvs = pvs_network(values)
    if not values.get("proxy_sunvault_enabled") or pvs is None:
        return
    hint = f"set it to the SunVault's own, in {pvs}, such as {pvs.network_address + 171}"
    address = parse_ipv4(written)
    own = parse_interface(values.text("pvs_link_address"))
    if address is None:
        yield Fault(path, f"{written!r} is no IPv4 address", hint)
    elif address not in pvs:
        yield Fault(path, f"{address} is outside of the PVS's network {pvs}", hint)
    elif address in (pvs.network_address, pvs.broadcast_address):
        yield Fault(path, f"{address} is no address of a host", hint)
    elif address == parse_ipv4(values.text("pvs_link_pvs_address")):
        yield Fault(path, f"{address} is the PVS's own address", hint)
    elif own and address == own.ip:
        yield Fault(path, f"{address} is pvs_link_address, the bridge itself", hint)


def statistics_have_a_password(values: Values) -> Iterator[Fault]:
    """The page shows who asks for what, and from where."""
    if values.get("proxy_stats_network") and values.get("proxy_users") == {}:
        yield Fault(
            ("proxy_stats_network",),
            "opens haproxy's own page to the home without a password",
            "add a name and a hash, which `openssl passwd -6` makes, to proxy_users, or remove "
            "proxy_stats_network",
        )


def users_have_possible_names(values: Values) -> Iterator[Fault]:
    """The configuration of haproxy is words between spaces, and HTTP ends a name at a colon."""
    for name in values.mapping("proxy_users"):
        if not (isinstance(name, str) and _USER.fullmatch(name)):
            # Not shown: where both sides are mixed up it is the password.
            yield Fault(
                ("proxy_users",),
                "has a name that is not 1 to 64 of A-Z, a-z, 0-9, dot, hyphen and underscore",
                "write each as NAME: 'HASH', a name of digits in quotes too",
            )


def users_have_hashes(values: Values) -> Iterator[Fault]:
    """A password itself would be there for whoever reads the inventory, or the Pi's card."""
    for name, written in values.mapping("proxy_users").items():
        if not (isinstance(name, str) and _USER.fullmatch(name)):
            continue
        path = ("proxy_users", name)
        match = _HASH.fullmatch(written) if isinstance(written, str) else None
        if match is None:
            hint = "make one with `openssl passwd -6` and write it in single quotes"
            yield Fault(path, "is no hash of a password (crypt's SHA-256 or SHA-512)", hint)
        elif int(match["rounds"] or _ROUNDS[0]) not in _ROUNDS:
            yield Fault(
                path,
                f"has not {_ROUNDS[0]} to {_ROUNDS[-1]} rounds, which the Pi computes for each "
                "request",
                "make it anew with `openssl passwd -6`, which takes 5000",
            )


def sources_are_private_networks(values: Values) -> Iterator[Fault]:
    """A bridge that answers the internet shows the plant, and the PVS's weaknesses, to it."""
    pvs = pvs_network(values)
    for index, written in values.texts("proxy_source_networks"):
        path = ("proxy_source_networks", index)
        network = _parse_network(written)
        if network is None:
            hint = "write it such as 192.168.1.0/24"
            yield Fault(path, f"{written!r} is no network", hint)
        elif isinstance(network, ipaddress.IPv6Network):
            problem = f"{written} is IPv6, and the bridge listens on IPv4 only"
            yield Fault(path, problem, "remove it")
        elif not any(network.subnet_of(each) for each in _PRIVATE_NETWORKS):
            hint = "name private networks only, such as 192.168.0.0/16"
            yield Fault(path, f"{written} holds addresses that are not private", hint)
        elif str(network) != written:
            problem = f"{written!r} is not the address of a network with its prefix length"
            yield Fault(path, problem, f"write {network}")
        elif pvs and network.subnet_of(pvs):
            problem = f"{written} is the PVS's own network, which is never answered"
            yield Fault(path, problem, "remove it")


def sources_leave_somebody(values: Values) -> Iterator[Fault]:
    """The home asks from its network, the health check on the Pi from the Pi itself."""
    path = ("proxy_source_networks",)
    written = values.get(path[0])
    if written == []:
        yield Fault(
            path,
            "is empty, so that nobody could ask the bridge",
            "remove it, or name the home's network and 127.0.0.0/8",
        )
    if not written:
        return
    # One that cannot be read, which is a finding of its own, may be the one that is missed here.
    networks = [_parse_network(each) if isinstance(each, str) else None for each in written]
    if None not in networks and not any(_LOOPBACK in each for each in networks if each):
        problem = f"leaves out {_LOOPBACK}, from where the Pi checks itself"
        yield Fault(path, problem, "add 127.0.0.0/8")


def hostnames_are_names(values: Values) -> Iterator[Fault]:
    """They are compared with what a browser takes out of an address: no scheme, no port."""
    for index, written in values.texts("proxy_hostnames"):
        if _is_host(written):
            continue
        host = _host_within(written)
        better = host if _is_host(host) else "each name in full, such as solar.lan"
        problem = f"{written!r} is neither a host name nor an IPv4 address"
        yield Fault(("proxy_hostnames", index), problem, f"write {better}")


def origins_are_as_browsers_send_them(values: Values) -> Iterator[Fault]:
    """They are compared letter by letter, so that one in another spelling never fits."""
    origins = values.texts("proxy_cors_origins")
    for index, written in origins:
        path = ("proxy_cors_origins", index)
        if written == "*":
            if len(origins) > 1:
                hint = "remove it, or all the others"
                yield Fault(path, "stands for every site, and others stand beside it", hint)
        elif written == "null":
            yield Fault(path, "is what any page can send that hides where it is from", "remove it")
        elif not _is_origin(written):
            origin = _origin_within(written)
            better = origin if _is_origin(origin) else "it such as http://dashboard.lan:3000"
            problem = f"{written!r} is not what a browser sends as a page's origin"
            yield Fault(path, problem, f"write {better}")


def health_user_is_known(values: Values) -> Iterator[Fault]:
    """Else the check would be turned away, and the bridge taken for a broken one."""
    user = values.text("health_user")
    if user and user not in values.mapping("proxy_users"):
        yield Fault(
            ("health_user",),
            "is none of proxy_users",
            "name one of proxy_users, or remove it",
        )


def health_outlasts_the_proxy(values: Values) -> Iterator[Fault]:
    """Who hangs up first never hears what the proxy has to say about a silent PVS."""
    patience = values.get("health_timeout_seconds")
    pvs = values.get("proxy_pvs_timeout_seconds")
    if not isinstance(patience, (int, float)) or pvs not in _WAITS:
        return
    if patience <= pvs:
        yield Fault(
            ("health_timeout_seconds",),
            f"{patience} is no longer than proxy_pvs_timeout_seconds, {pvs}",
            f"write {pvs + 10}, or lower proxy_pvs_timeout_seconds",
        )


def _parse_network(written: str) -> Network | None:
    """Read a network in any spelling, such as with a mask, or bits of a host."""
    try:
        return ipaddress.ip_network(written, strict=False)
    except ValueError:
        return None


def _is_host(text: str) -> bool:
    labels = text.split(".")
    if len(text) > _LONGEST_HOST or not all(map(_LABEL.fullmatch, labels)):
        return False
    # Whatever ends with a number is an address to a browser.
    return not labels[-1].isdigit() or parse_ipv4(text) is not None


def _host_within(text: str) -> str:
    """Take away what a browser's address line shows around a host."""
    _, _, address = text.strip().rpartition("://")
    return _PORT_BEHIND.sub("", address.partition("/")[0]).rstrip(".")


def _is_origin(text: str) -> bool:
    match = _ORIGIN.fullmatch(text)
    if match is None or match["host"] != match["host"].lower() or not _is_host(match["host"]):
        return False
    # Browsers leave out the port that the scheme has anyway.
    port = int(match["port"] or 0)
    return not port or (port in _PORTS and port != _SCHEME_PORTS[match["scheme"]])


def _origin_within(text: str) -> str:
    """Write a page's address as the origin that its browser sends."""
    lower = text.strip().lower()
    scheme, separator, rest = lower.partition("://")
    if not separator:
        scheme, rest = "http", lower
    host, _, port = rest.partition("/")[0].partition(":")
    usual = str(_SCHEME_PORTS.get(scheme, ""))
    return f"{scheme}://{host.rstrip('.')}" + (f":{port}" if port not in ("", usual) else "")


CHECKS: tuple[CrossCheck, ...] = (
    numbers_are_within_their_range,
    cache_times_are_for_what_is_shared,
    allowed_commands_are_writing_ones,
    allowed_variables_are_variables,
    what_is_allowed_is_named_once,
    writes_are_acknowledged,
    sunvault_is_beside_the_pvs,
    statistics_have_a_password,
    users_have_possible_names,
    users_have_hashes,
    sources_are_private_networks,
    sources_leave_somebody,
    hostnames_are_names,
    origins_are_as_browsers_send_them,
    health_user_is_known,
    health_outlasts_the_proxy,
)
