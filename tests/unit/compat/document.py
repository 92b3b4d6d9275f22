#!/usr/bin/env python3
"""Write the table of the mapping into the role's README, between two markers."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(PROJECT / "roles/agent/files"))

from pvs_bridge.compat.mapping import (  # noqa: E402 - found by the path above
    COMPUTED,
    CURRENT,
    FIXED,
    GRID_PROFILE,
    INTERFACES,
    KINDS,
    LISTED,
    STORAGE_ROWS,
    SUPERVISOR,
    SWITCH_ROWS,
    TEXT,
    TIME,
    UPTIME,
    WHOLE,
    Interface,
    Kind,
    Row,
    StorageRow,
)

README = PROJECT / "roles/compat/README.md"
BEGIN, END = "<!-- mapping -->", "<!-- /mapping -->"
_FORMS = {
    TEXT: "as it is",
    TIME: "as `2026,06,21,19,05,00`, in UTC",
    UPTIME: "whole seconds",
    WHOLE: "whole number",
    CURRENT: "in A, at most 4 places",
}
_LEFT_OUT = "left out"
_NONE = "no variable"
Line = tuple[str, str, str, str, str]


def mapping() -> str:
    """Return a table with each key, its source, and its value if that is unknown."""
    rows: list[Line] = [
        ("Answer", "Key", "Source", "Written", "Unknown"),
        ("---", "---", "---", "---", "---"),
        *(row for kind in KINDS for row in _rows(kind)),
        *(_storage("ess", row) for row in STORAGE_ROWS),
        *(_storage("transfer_switch", row) for row in SWITCH_ROWS),
        *(row for each in INTERFACES for row in _interface(each)),
        *_named("Get_Comm", "system", {"sms": "unreachable"}),
        *_named("GridProfileGet", "", GRID_PROFILE),
        *_named("supervisor/info, if the PVS describes nothing there", "", SUPERVISOR),
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _code(value: object) -> str:
    return f"`{json.dumps(value)}`"


def _rows(kind: Kind) -> Iterator[Line]:
    place = f"/sys/devices/{kind.variables}/N" if kind.variables else "/sys/info"
    for row in kind.rows:
        unknown = _LEFT_OUT if row.unknown is None else _code(row.unknown)
        source, form = _source(row, place)
        if row.form == FIXED:
            source, form, unknown = "always the same", _code(row.unknown), row.note or "-"
        elif row.note and row.form == LISTED:
            unknown = f"{unknown}: {row.note}" if row.unknown is not None else row.note
        yield f"DeviceList: {kind.name}", f"`{row.key}`", source, form, unknown


def _source(row: Row, place: str) -> tuple[str, str]:
    if row.form == LISTED:
        return "`devices/list`", "as it is"
    if row.form == COMPUTED:
        return "the bridge", row.note
    form = _FORMS.get(row.form, f"number, at most {row.places} places")
    return f"`{place}/{row.variable}`", f"{row.note}, {form}" if row.note else form


def _storage(device: str, row: StorageRow) -> Line:
    form = f"in {row.unit}, at most 3 places" if row.unit else "as it is"
    if row.factor != 1:
        form += f", times {row.factor}"
    source = f"`/sys/devices/{device}/N/{row.variable}`" if row.variable else _NONE
    if not row.variable and row.key == "serial_number":
        source = "characters of `/sys/devices/ess/N/sn`"
    unknown = _LEFT_OUT if row.unit and row.variable else _code(row.unknown)
    return "energy-storage-system/status", f"`{row.part}.{row.key}`", source, form, unknown


def _interface(interface: Interface) -> Iterator[Line]:
    answer, place = "Get_Comm", f"`interfaces[]` {interface.name}, "
    source = ", ".join(f"`/net/{name}/state`" for name in interface.variables)
    for key, (up, down) in interface.online.items():
        yield answer, f"{place}`{key}`", source, f"`{up}` if one is `online`", f"`{down}`"
    for key, value in interface.unknown.items():
        yield answer, f"{place}`{key}`", _NONE, "-", _code(value)


def _named(answer: str, place: str, unknown: dict[str, str | int] | dict[str, str]) -> list[Line]:
    before = f"`{place}` " if place else ""
    return [(answer, f"{before}`{key}`", _NONE, "-", _code(v)) for key, v in unknown.items()]


def documented(readme: str) -> str:
    """Return the README with the current table."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{mapping()}\n{END}{after}"


if __name__ == "__main__":
    README.write_text(documented(README.read_text(encoding="utf-8")), encoding="utf-8")
