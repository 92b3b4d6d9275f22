#!/usr/bin/env python3
"""Write the table of the mapping into the role's README, between two markers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(PROJECT / "roles/agent/files"))

from pvs_bridge.compat.mapping import (  # noqa: E402 - found by the path above
    INTERFACES,
    KINDS,
    STORAGE_ROWS,
    SWITCH_ROWS,
    TEXT,
    TIME,
    UPTIME,
    WHOLE,
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
}


def mapping() -> str:
    """Return a table with each key and its variable."""
    rows = [
        ("Answer", "Key", "Variable", "Written"),
        ("---",) * 4,
        *(row for kind in KINDS for row in _rows(kind)),
        *(_storage("ess", row) for row in STORAGE_ROWS),
        *(_storage("transfer_switch", row) for row in SWITCH_ROWS),
        *(
            ("Get_Comm", f"`interfaces[]` {name}, `internet`", f"`/net/{variable}/state`",
             "up if it is `online`, else down")
            for variable, name in INTERFACES.items()
        ),
    ]  # fmt: skip
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _rows(kind: Kind) -> Iterator[tuple[str, ...]]:
    place = f"/sys/devices/{kind.variables}/N" if kind.variables else "/sys/info"
    for row in kind.rows:
        yield f"DeviceList: {kind.name}", f"`{row.key}`", f"`{place}/{row.variable}`", _form(row)


def _form(row: Row) -> str:
    return _FORMS.get(row.form, f"number, at most {row.places} places")


def _storage(device: str, row: StorageRow) -> tuple[str, ...]:
    form = f"in {row.unit}, at most 3 places" if row.unit else "as it is"
    if row.factor != 1:
        form += f", times {row.factor}"
    answer = "energy-storage-system/status"
    return answer, f"`{row.part}.{row.key}`", f"`/sys/devices/{device}/N/{row.variable}`", form


def documented(readme: str) -> str:
    """Return the README with the current table."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{mapping()}\n{END}{after}"


if __name__ == "__main__":
    README.write_text(documented(README.read_text(encoding="utf-8")), encoding="utf-8")
