"""Requests of /vars: which variables they ask for, and in which format."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from pvs_bridge.pvs.errors import DamagedError, QueryError
from pvs_bridge.pvs.variables import OPEN_PREFIX

PARAMETERS = ("name", "match", "tags", "instance", "fmt", "cache", "clearcache", "set")
"""Source: the vendor's description of the API. It says nothing of a parameter given twice."""

PUBLIC = frozenset(
    f"{OPEN_PREFIX}{name}"
    for name in (
        "active_interface",
        "active_interface_mac",
        "boardtype",
        "cpu_usage",
        "finance_type",
        "flash_usage",
        "fwrev",
        "hwrev",
        "lmac",
        "model",
        "ram_usage",
        "sw_rev",
        "sys_type",
        "uptime",
    )
)
"""The variables that need no login: they exist on all firmware, and are not secret. A PVS also
reveals its serial number, which ends with the password, and the key of its hotspot."""

_MOST_NAMED = 64
# A comma in set= would begin a second variable.
_VALUES = (re.compile(r"[A-Za-z0-9_./,*-]*"), re.compile(r"[A-Za-z0-9_./-]+=[A-Za-z0-9_.:+-]*"))

Table = Mapping[str, object]
"""Variables by name, in the order of the PVS. Values are texts, but for builds with JSON numbers or
objects."""


@dataclass(frozen=True)
class Query:
    """One request of /vars.

    Attributes:
        names: Variables by their full names; then the PVS ignores the next three.
        match: A part of their names.
        tags: Tags, as the PVS defines them.
        instance: An instance, as the PVS defines it.
        cache: The name under which to remember the query, or of a remembered one.
        clearcache: The name of a remembered query to forget.
        as_object: The answer is {NAME: VALUE}, and otherwise a list.
        assignment: NAME=VALUE to set; empty: only read.
    """

    names: tuple[str, ...] = ()
    match: str = ""
    tags: str = ""
    instance: str = ""
    cache: str = ""
    clearcache: str = ""
    as_object: bool = False
    assignment: str = ""

    def selects(self, name: str) -> bool:
        """Return whether it asks for a variable, by its name or a part of its name."""
        return name in self._names if self.names else self.match in name

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self.names)

    @property
    def selective(self) -> bool:
        """Whether it says which variables, other than by the name of a remembered query."""
        return bool(self.names or self.match or self.tags or self.instance)

    @property
    def only_pvs_knows(self) -> bool:
        """Whether only the PVS can select: by tags or instance, or with a sign of its own."""
        return not self.names and bool(self.tags or self.instance or "*" in self.match)

    @property
    def only_names(self) -> bool:
        """Whether it only reads, by full names."""
        return self == Query(names=self.names, as_object=self.as_object) and bool(self.names)

    def target(self) -> str:
        """Return the part of it that selects, as a query for the PVS."""
        parts = {
            "name": ",".join(self.names),
            "match": self.match,
            "tags": self.tags,
            "instance": self.instance,
        }
        return "&".join(f"{key}={value}" for key, value in parts.items() if value)


def parse(text: str) -> Query:
    """Read the query, or the body, of a request.

    Raises:
        QueryError: It has an unknown parameter, or one twice.
    """
    given: dict[str, str] = {}
    for part in text.strip().split("&"):
        key, equals, value = part.partition("=")
        if not equals or key not in PARAMETERS or key in given:
            raise QueryError(f"it must be {', '.join(PARAMETERS)}, each once")
        for code, sign in (("%2F", "/"), ("%2f", "/"), ("%2C", ","), ("%2c", ",")):
            value = value.replace(code, sign)
        if _VALUES[key == "set"].fullmatch(value) is None:
            raise QueryError(f"{key} must be letters, digits and . / - _, got other signs")
        given[key] = value
    names = given.get("name", "")
    return Query(
        names=tuple(dict.fromkeys(names.split(","))) if names else (),
        match=given.get("match", ""),
        tags=given.get("tags", ""),
        instance=given.get("instance", ""),
        cache=given.get("cache", ""),
        clearcache=given.get("clearcache", ""),
        as_object=given.get("fmt") == "obj",
        assignment=given.get("set", ""),
    )


class NamedQueries:
    """Queries that clients have named by cache=NAME.

    They are kept here and not on the PVS, where a name holds the devices of its first use, which
    after a restart are not all.
    """

    def __init__(self) -> None:
        """Start without one."""
        self._queries: dict[str, Query] = {}

    def resolved(self, query: Query) -> Query:
        """Return the query itself, or the one that it names; keep or forget it if it says so.

        Raises:
            QueryError: It selects nothing, and names no query that is known.
        """
        self._queries.pop(query.clearcache, None)
        if query.selective:
            if query.cache:
                self._queries.pop(query.cache, None)
                self._queries[query.cache] = query
                if len(self._queries) > _MOST_NAMED:
                    del self._queries[next(iter(self._queries))]
            return query
        if query.cache not in self._queries:
            raise QueryError("it must have name, match, tags or instance, or a known cache")
        return replace(self._queries[query.cache], as_object=query.as_object)


def formatted(table: Table, query: Query) -> bytes:
    """Return the body of an answer, as a PVS formats it.

    Raises:
        DamagedError: A value has too many levels.
    """
    values = [{"name": name, "value": value} for name, value in table.items()]
    listed = {"values": values, "count": len(values)}
    try:
        return json.dumps(dict(table) if query.as_object else listed).encode()
    except RecursionError:
        raise DamagedError("a value has too many levels") from None
