"""The state of a Pi that a network change can alter, to be compared before and after."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from pvs_lab.lab_client import LabClient

# Units that start on demand and stop by themselves.
_PASSING = re.compile(
    r"(user@|user-runtime-dir@|systemd-(hostnamed|timedated|localed|tmpfiles-clean)"
    r"|polkit|NetworkManager-dispatcher|dpkg-db-backup|e2scrub|pvs-bridge-rollback-change).*\.service"
)
# resolv.conf is compared by its content. /etc/unbound has files of resolvconf for a program that is
# not installed, and ~ marks backups of replaced files. A change of the host name makes a new
# certificate.
_OTHER_FILES = (
    r"\( -path '/etc/resolv.conf*' -o -path /etc/unbound -o -name '*~' -o -name self-signed.pem \)"
)
_ROUTE = ("dst", "dev", "gateway", "prefsrc", "protocol")


@dataclass(frozen=True)
class State:
    """The network state of a Pi.

    Attributes:
        addresses: interface, address and prefix length of each.
        routes: each once, without what the kernel or the backend counts up.
        resolver: what /etc/resolv.conf says.
        files: all below /etc: kind, mode, owner, where a link leads, a file's checksum.
        units: those that are active.
        hostname: by the kernel.
        settings: the kernel's, for the network.
        filter: nftables' rules, without who is counted by them.
    """

    addresses: list[tuple[str, str, int]]
    routes: list[tuple[str, ...]]
    resolver: list[str]
    files: dict[str, str]
    units: list[str]
    hostname: str
    settings: list[str]
    filter: str

    def __sub__(self, other: State) -> dict[str, Any]:
        """Return the differences: the value here, and there."""
        found: dict[str, Any] = {}
        for name, here in vars(self).items():
            there = vars(other)[name]
            if isinstance(here, dict):
                keys = sorted(key for key in {*here, *there} if here.get(key) != there.get(key))
                found[name] = {key: (here.get(key), there.get(key)) for key in keys}
            elif isinstance(here, list):
                surplus = [each for each in here if each not in there]
                missing = [each for each in there if each not in here]
                found[name] = (surplus, missing) if here != there else None
            else:
                found[name] = (here, there) if here != there else None
        return {name: different for name, different in found.items() if different}


def state_of(lab: LabClient) -> State:
    """Read the state of a lab's Pi as root."""

    def said(command: str) -> list[str]:
        return lab.output("bridge", command).splitlines()

    links = json.loads(lab.output("bridge", "ip -json address"))
    routes = json.loads(lab.output("bridge", "ip -json route"))
    routes += json.loads(lab.output("bridge", "ip -6 -json route"))
    listed = said(f"find /etc {_OTHER_FILES} -prune -o -printf '%p\\t%y %m %U %G %l\\n'")
    sums = said(f"find /etc {_OTHER_FILES} -prune -o -type f -exec sha256sum {{}} +")
    files = dict(line.split("\t") for line in listed)
    for line in sums:
        checksum, path = line.split(maxsplit=1)
        files[path] += checksum
    units = said("systemctl list-units --state=active --plain --no-legend '*.service' '*.timer'")
    return State(
        addresses=sorted(
            (link["ifname"], each["local"], each["prefixlen"])
            for link in links
            for each in link["addr_info"]
        ),
        routes=sorted({tuple(str(route.get(key)) for key in _ROUTE) for route in routes}),
        resolver=sorted(line for line in said("cat /etc/resolv.conf") if not line.startswith("#")),
        files=files,
        units=sorted(name for name in (line.split()[0] for line in units)
                     if not _PASSING.fullmatch(name)),
        hostname=lab.output("bridge", "hostname").strip(),
        settings=said(
            "sysctl --all 2>/dev/null | grep -E '^net\\.ipv[46]\\.(conf|ip_forward)' | sort"
        ),
        filter=lab.output("bridge", "nft --terse list ruleset 2>/dev/null || true"),
    )  # fmt: skip
