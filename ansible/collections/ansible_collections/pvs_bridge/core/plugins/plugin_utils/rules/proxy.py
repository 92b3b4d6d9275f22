"""Rules for the proxy: its clients, the requests that it forwards, and its limits.

No message contains a value of ``proxy_users``, because a user who forgets to hash a password writes
the password itself there.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from collections.abc import Iterator

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import (
    UNUSABLE,
    Issue,
    variable_name,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.rules.ranges import (
    CACHE_SECONDS,
    PORTS,
    WAIT_SECONDS,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.suggestions import (
    closest,
    did_you_mean,
)
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import (
    Rule,
    Values,
    parse_interface,
    parse_ipv4,
    pvs_network,
)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_PVS_VARIABLE = re.compile(r"(/[A-Za-z0-9_]+)+", re.ASCII)

_USER = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
# A hash of SHA-512 has twice the length of one of SHA-256.
_HASH = re.compile(
    r"\$(5|(?P<long>6))\$(rounds=(?P<rounds>[1-9][0-9]{0,8})\$)?[./A-Za-z0-9]{1,16}\$"
    r"[./A-Za-z0-9]{43}(?(long)[./A-Za-z0-9]{43})",
    re.ASCII,
)
# The Pi computes the rounds for each request; Ansible's password_hash uses 656,000. crypt(3)
# rejects less than 1000.
_ROUNDS = range(1000, 20_001)

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
_PORT_SUFFIX = re.compile(r":[0-9]+$", re.ASCII)
_ORIGIN = re.compile(r"(?P<scheme>https?)://(?P<host>[^:/]+)(:(?P<port>[1-9][0-9]{0,4}))?")
_SCHEME_PORTS = {"http": 80, "https": 443}


@dataclasses.dataclass(frozen=True)
class _Api:
    """The PVS's old API, from the role's constants.

    Attributes:
        reading: commands that all clients may send.
        writing: commands that change the power plant.
        shared: commands and paths whose answers may be cached.
    """

    reading: tuple[str, ...]
    writing: tuple[str, ...]
    shared: tuple[str, ...]


def _api(values: Values) -> _Api:
    reading = values.constant("__proxy_reading_commands") or ()
    writing = values.constant("__proxy_writing_commands") or ()
    paths = values.constant("__proxy_reading_paths") or ()
    cached = [each["name"] for each in reading if each["cached"]]
    return _Api(tuple(each["name"] for each in reading), tuple(writing), (*cached, *paths))


def check_command_cache_seconds(values: Values) -> Iterator[Issue]:
    """The proxy would ignore the time of an answer that it must not cache."""
    api = _api(values)
    span = f"{CACHE_SECONDS[0]} to {CACHE_SECONDS[-1]}"
    for key, seconds in values.mapping("proxy_command_cache_seconds").items():
        name = str(key)
        path = ("proxy_command_cache_seconds", name)
        if seconds is UNUSABLE:
            continue
        if name in api.shared:
            # In Python, True is an instance of int.
            is_integer = isinstance(seconds, int) and not isinstance(seconds, bool)
            if not is_integer or seconds not in CACHE_SECONDS:
                problem = f"must be an integer from {span}"
                yield Issue.at(path, problem, f"write seconds without quotes, {span}")
        elif name in (*api.reading, *api.writing):
            yield Issue.at(path, "is a command whose answer is never cached", "remove it")
        else:
            problem = "must be a command or path whose answer may be cached"
            yield Issue.at(path, problem, did_you_mean(name, api.shared))


def check_allowed_commands(values: Values) -> Iterator[Issue]:
    """Reading commands are always allowed; unknown commands may damage a power plant."""
    api = _api(values)
    for index, command in values.texts("proxy_allow_commands"):
        path = ("proxy_allow_commands", index)
        if command in api.reading:
            yield Issue.at(path, f"{command} is always allowed", "remove it")
        elif command not in api.writing:
            hint = did_you_mean(command, api.writing)
            meant = closest(command, (*api.reading, *api.writing))
            if meant in api.reading:
                hint = f"remove it; {meant} is always allowed"
            yield Issue.at(path, f"must be a command that writes, got {command!r}", hint)


def check_allowed_variables(values: Values) -> Iterator[Issue]:
    """They become part of a regular expression, where "." and "|" would match more."""
    for index, written in values.texts("proxy_allow_variables"):
        if not _PVS_VARIABLE.fullmatch(written):
            yield Issue.at(
                ("proxy_allow_variables", index),
                f"must be a variable of the PVS, got {written!r}",
                "write its whole name, such as /sys/telemetryws/enable",
            )


def check_no_duplicates(values: Values) -> Iterator[Issue]:
    """A user who removes one of two entries expects that it is no longer allowed."""
    for name in ("proxy_allow_commands", "proxy_allow_variables"):
        seen: dict[str, int] = {}
        for index, written in values.texts(name):
            if written in seen:
                first = variable_name((name, seen[written]))
                yield Issue.at((name, index), f"is the same as {first}", "remove one of them")
            seen.setdefault(written, index)


def check_writes_acknowledged(values: Values) -> Iterator[Issue]:
    """A line that was copied from elsewhere must not be enough to allow writes."""
    acknowledged = "proxy_writes_acknowledged"
    if values.get(acknowledged) or values.is_wrong(acknowledged):
        return
    reading = _api(values).reading
    commands = [each for _, each in values.texts("proxy_allow_commands") if each not in reading]
    opened = (
        ("proxy_allow_commands", commands, "allows commands that change a power plant"),
        (
            "proxy_allow_variables",
            values.texts("proxy_allow_variables"),
            "allows changes to the settings of a power plant",
        ),
        (
            "proxy_sunvault_enabled",
            values.get("proxy_sunvault_enabled"),
            "allows Modbus, which can command a battery",
        ),
        (
            "compat_live_data_enabled",
            values.get("compat_live_data_enabled"),
            "sets a variable of the PVS",
        ),
    )
    for name, is_open, problem in opened:
        if is_open:
            yield Issue.at(
                (name,),
                problem,
                f"set {acknowledged}: true if you accept this, or remove {name}",
            )


def check_sunvault_address(values: Values) -> Iterator[Issue]:
    """The SunVault's gateway has its own address in the PVS's network."""
    path = ("proxy_sunvault_address",)
    written = values.text("proxy_sunvault_address")
    pvs = pvs_network(values)
    if not values.get("proxy_sunvault_enabled") or pvs is None:
        return
    hint = f"use the SunVault's address in {pvs}, such as {pvs.network_address + 171}"
    address = parse_ipv4(written)
    own = parse_interface(values.text("pvs_link_address"))
    if address is None:
        yield Issue.at(path, f"must be an IPv4 address, got {written!r}", hint)
    elif address not in pvs:
        yield Issue.at(path, f"must be in the PVS's network {pvs}, got {address}", hint)
    elif address in (pvs.network_address, pvs.broadcast_address):
        yield Issue.at(path, f"must be the address of a host, got {address}", hint)
    elif address == parse_ipv4(values.text("pvs_link_pvs_address")):
        yield Issue.at(path, f"must differ from the PVS's own address, got {address}", hint)
    elif own and address == own.ip:
        problem = f"must differ from pvs_link_address, the bridge itself, got {address}"
        yield Issue.at(path, problem, hint)


def check_statistics_password(values: Values) -> Iterator[Issue]:
    """The statistics show all clients and their requests."""
    if values.get("proxy_stats_network") and values.get("proxy_users") == {}:
        yield Issue.at(
            ("proxy_stats_network",),
            "needs proxy_users, because it opens haproxy's statistics to the home network",
            "add a user with a hash from `openssl passwd -6` to proxy_users, or remove "
            "proxy_stats_network",
        )


def check_user_names(values: Values) -> Iterator[Issue]:
    """The configuration of haproxy is separated by spaces, and HTTP ends a name at a colon."""
    for name in values.mapping("proxy_users"):
        if not (isinstance(name, str) and _USER.fullmatch(name)):
            # The name is not shown, because it is the password if name and password are swapped.
            yield Issue.at(
                ("proxy_users",),
                "must have names of 1 to 64 characters: A-Z, a-z, 0-9, dot, hyphen and underscore",
                "write each user as NAME: 'HASH'; put a name of digits in quotes",
            )


def check_user_hashes(values: Values) -> Iterator[Issue]:
    """A plaintext password would be readable in the inventory and on the Pi's card."""
    for name, written in values.mapping("proxy_users").items():
        if written is UNUSABLE or not (isinstance(name, str) and _USER.fullmatch(name)):
            continue
        path = ("proxy_users", name)
        match = _HASH.fullmatch(written) if isinstance(written, str) else None
        if match is None:
            hint = "create one with `openssl passwd -6` and write it in single quotes"
            yield Issue.at(path, "must be a password hash (SHA-256 or SHA-512 of crypt)", hint)
        elif int(match["rounds"] or _ROUNDS[0]) not in _ROUNDS:
            yield Issue.at(
                path,
                f"must have {_ROUNDS[0]} to {_ROUNDS[-1]} rounds, because the Pi computes them for "
                "each request",
                "create a new hash with `openssl passwd -6`, which uses 5000",
            )


def check_source_networks(values: Values) -> Iterator[Issue]:
    """Clients on the internet must not reach the bridge."""
    pvs = pvs_network(values)
    for index, written in values.texts("proxy_source_networks"):
        path = ("proxy_source_networks", index)
        network = _parse_network(written)
        if network is None:
            hint = "use a network such as 192.168.1.0/24"
            yield Issue.at(path, f"must be a network, got {written!r}", hint)
        elif isinstance(network, ipaddress.IPv6Network):
            problem = f"must be IPv4, because the bridge listens on IPv4 only, got {written}"
            yield Issue.at(path, problem, "remove it")
        elif not any(network.subnet_of(each) for each in _PRIVATE_NETWORKS):
            hint = "use private networks only, such as 192.168.0.0/16"
            yield Issue.at(path, f"must contain only private addresses, got {written}", hint)
        elif str(network) != written:
            problem = f"must be a network address with its prefix length, got {written!r}"
            yield Issue.at(path, problem, f"write {network}")
        elif pvs and network.subnet_of(pvs):
            problem = f"must not be the PVS's own network, which is never answered, got {written}"
            yield Issue.at(path, problem, "remove it")


def check_source_networks_include_pi(values: Values) -> Iterator[Issue]:
    """Home clients use their own network, the health check on the Pi uses the loopback one."""
    path = ("proxy_source_networks",)
    written = values.get(path[0])
    if written == []:
        hint = "remove it, or list the home network and 127.0.0.0/8"
        yield Issue.at(path, "must not be empty, because all clients would be refused", hint)
    if not written:
        return
    # An invalid network has its own issue and may be the one that is missing here.
    networks = [_parse_network(each) if isinstance(each, str) else None for each in written]
    if None not in networks and not any(_LOOPBACK in each for each in networks if each):
        problem = f"must include {_LOOPBACK}, which the health check on the Pi uses"
        yield Issue.at(path, problem, "add 127.0.0.0/8")


def check_hostnames(values: Values) -> Iterator[Issue]:
    """They are compared with the host of a URL, without scheme and port."""
    for index, written in values.texts("proxy_hostnames"):
        if _is_host(written):
            continue
        host = _host_of(written)
        better = host if _is_host(host) else "each name in full, such as solar.lan"
        problem = f"must be a host name or an IPv4 address, got {written!r}"
        yield Issue.at(("proxy_hostnames", index), problem, f"write {better}")


def check_origins(values: Values) -> Iterator[Issue]:
    """They are compared character by character with the Origin header of browsers."""
    origins = values.texts("proxy_cors_origins")
    for index, written in origins:
        path = ("proxy_cors_origins", index)
        if written == "*":
            if len(origins) > 1:
                hint = "remove it, or all others"
                yield Issue.at(path, "allows every site, so it must be the only entry", hint)
        elif written == "null":
            problem = "must not be null, which any page can send to hide its origin"
            yield Issue.at(path, problem, "remove it")
        elif not _is_origin(written):
            origin = _origin_of(written)
            better = origin if _is_origin(origin) else "it such as http://dashboard.lan:3000"
            problem = f"must be the origin of a page as browsers send it, got {written!r}"
            yield Issue.at(path, problem, f"write {better}")


def check_health_user(values: Values) -> Iterator[Issue]:
    """The proxy would answer the health check with 401."""
    user = values.text("health_user")
    if user and user not in values.mapping("proxy_users"):
        hint = "use one of proxy_users, or remove it"
        yield Issue.at(("health_user",), "must be one of proxy_users", hint)


def check_health_timeout(values: Values) -> Iterator[Issue]:
    """A health check that times out first does not get the proxy's error message."""
    health = values.get("health_timeout_seconds")
    pvs = values.get("proxy_pvs_timeout_seconds")
    if not isinstance(health, (int, float)) or pvs not in WAIT_SECONDS:
        return
    if health <= pvs:
        yield Issue.at(
            ("health_timeout_seconds",),
            f"must be more than proxy_pvs_timeout_seconds ({pvs}), got {health}",
            f"set it to {pvs + 10}, or lower proxy_pvs_timeout_seconds",
        )


def _parse_network(written: str) -> Network | None:
    """Parse a network in any notation, such as with a mask or with host bits."""
    try:
        return ipaddress.ip_network(written, strict=False)
    except ValueError:
        return None


def _is_host(text: str) -> bool:
    labels = text.split(".")
    if len(text) > _LONGEST_HOST or not all(map(_LABEL.fullmatch, labels)):
        return False
    # Browsers parse a host that ends with a number as an address.
    return not labels[-1].isdigit() or parse_ipv4(text) is not None


def _host_of(text: str) -> str:
    """Return the host of a URL as in a browser's address bar."""
    _, _, address = text.strip().rpartition("://")
    return _PORT_SUFFIX.sub("", address.partition("/")[0]).rstrip(".")


def _is_origin(text: str) -> bool:
    match = _ORIGIN.fullmatch(text)
    if match is None or match["host"] != match["host"].lower() or not _is_host(match["host"]):
        return False
    # Browsers leave out the default port of the scheme.
    port = int(match["port"] or 0)
    return not port or (port in PORTS and port != _SCHEME_PORTS[match["scheme"]])


def _origin_of(text: str) -> str:
    """Return the origin of a page's URL as browsers send it."""
    lower = text.strip().lower()
    scheme, separator, rest = lower.partition("://")
    if not separator:
        scheme, rest = "http", lower
    host, _, port = rest.partition("/")[0].partition(":")
    usual = str(_SCHEME_PORTS.get(scheme, ""))
    return f"{scheme}://{host.rstrip('.')}" + (f":{port}" if port not in ("", usual) else "")


RULES: tuple[Rule, ...] = (
    check_command_cache_seconds,
    check_allowed_commands,
    check_allowed_variables,
    check_no_duplicates,
    check_writes_acknowledged,
    check_sunvault_address,
    check_statistics_password,
    check_user_names,
    check_user_hashes,
    check_source_networks,
    check_source_networks_include_pi,
    check_hostnames,
    check_origins,
    check_health_user,
    check_health_timeout,
)
