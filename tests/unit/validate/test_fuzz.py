"""Whatever an inventory contains, the validation ends with a report or one clear error.

Inventories are made from a good one by exchanging parts, from a fixed seed. FUZZ=1000 makes more of
them, and FUZZ_SEED= others.
"""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

import pytest
from unit.validate.conftest import PROJECT, Validator, write

_COUNT = int(os.environ.get("FUZZ", "12"))
_SEED = int(os.environ.get("FUZZ_SEED", "1"))
_GOOD = [
    *(path.read_text() for path in sorted((PROJECT / "inventory/example").glob("*.yml"))),
    "---\nproxy_users: {anna: $5$abcdefgh$x}\nfirewall_allow: [{port: 9100}]\n"
    "proxy_hostnames: [a.example]\nmonitor_notify: []\nansible_group_priority: 1\n",
]
# Values of YAML, ~~ for a new line.
_VALUES = r"""
~  |  []  |  {}  |  -1  |  1e999  |  .nan  |  0x7fffffffffffffffffff  |  2026-01-01
!!binary YQ==  |  !!set {a, b}  |  !!omap [a: 1]  |  !unsafe '{{'  |  !vault x
!vault |~~  $ANSIBLE_VAULT;1.1;AES256~~  61  |  '{{ x'  |  '{% for %}'  |  '{{ 1 / 0 }}'
'{{ omit }}'  |  '{{ undef() }}'  |  '{{ self }}'  |  '{{ hostvars }}'  |  '{{ vars }}'
'{{ groups }}'  |  '{{ range(3) }}'  |  '{{ lookup }}'  |  '{{ lookup("env", 1) }}'
'{{ lookup() }}'  |  '{{ [] | first }}'  |  '{{ {1: 2}[3] }}'  |  '{{ "a".format(1) }}'
'{{ "".join }}'  |  '{{ 1 is x }}'  |  '{{ 1 | x }}'  |  '{{ 9 ** 99999 }}'  |  "\0"
"\e[31m"  |  "\u202e"  |  "\ud800"  |  '::error::x'  |  '##[error]x'  |  '%s%n'  |  ../../x
{a: {b: [c, {d: e}]}}  |  [[[[]]]]  |  {? [a, b] : c}  |  {1: 2}  |  {true: x}  |  {null: x}
&a b  |  *a  |  <<  |  @x  |  `x`  |  |~~ x  |  TAB  |  é  |  🌞  |  a b  |  a/b  |  [1:3]
"""
VALUES = [
    "",
    "\t",
    "x" * 5000,
    *(each.strip().replace("~~", "\n") for each in re.split(r"  \|  |\n", _VALUES)),
]


def changed(text: str, chance: random.Random) -> str:
    """Exchange, double or remove some parts of a file."""
    lines = text.splitlines()
    for _ in range(chance.randint(1, 4)):
        index = chance.randrange(len(lines))
        head, colon, _ = lines[index].partition(":")
        value = chance.choice(VALUES)
        choices = (
            f"{head}: {value}",
            f"{head[: len(head) - len(head.lstrip())]}{value}{colon}",
            f"{lines[index]}\n{lines[index]}",
            f" {lines[index]}",
            lines[index].strip(),
            "",
            lines[index][: chance.randrange(len(lines[index]) + 1)],
        )
        lines[index] = chance.choice(choices)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("number", range(_COUNT))
def test_each_inventory_ends_in_a_report_or_a_clear_error(
    validator: Validator, tmp_path: Path, number: int
) -> None:
    chance = random.Random(f"{_SEED}-{number}")  # noqa: S311 - no secret
    names = (
        "barn.yml",
        "garage.yml",
        chance.choice(("group_vars/all.yml", "host_vars/garage.yml")),
    )
    files = dict(zip(names, _GOOD, strict=True))
    name = chance.choice(names)
    files[name] = changed(files[name], chance)
    write(tmp_path, files)
    form = chance.choice(("text", "json", "junit", "github"))
    done = validator(tmp_path, "--format", form)
    assert done.status in (0, 1, 2), done
    assert "Traceback" not in done.output + done.errors
    plain = (done.output + done.errors).replace("\n", "")
    assert plain.isprintable(), (files[name], ascii(plain))
    if form == "github":
        lines = done.output.splitlines()
        assert all(each.startswith(("::error", "::notice", "inventory")) for each in lines)
