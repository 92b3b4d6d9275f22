"""Each form of the report is what its readers take, whatever an inventory holds."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from unit.validate.conftest import GOOD, Done, Validator, write

HOSTILE = "50%\n::error::x,y:z \x1b]8;; <b>&amp;\"'"
BAD = f"""\
{GOOD}      uplink_hostname: {HOSTILE!r}
      proxy_http_port: 22
    barn:
      uplink_type: ethernet
      uplink_interface: eth1
"""


def shown(validator: Validator, folder: Path, form: str) -> Done:
    """Validate a bad bridge, a good one, and a backup copy of a file."""
    write(folder, {"bridges.yml": BAD.replace(repr(HOSTILE), quoted(HOSTILE))})
    write(folder, {"old, 50%.yml.bak": GOOD})
    done = validator(folder, "--format", form)
    assert done.status == 1
    assert done.errors == ""
    return done


def quoted(text: str) -> str:
    """Write a text in YAML's double quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\x1b", "\\e") + '"'


def test_text_shows_each_finding_with_its_hint(validator: Validator, tmp_path: Path) -> None:
    lines = shown(validator, tmp_path, "text").output.splitlines()
    assert lines[0].startswith("  inventory/old, 50%.yml.bak: ")
    assert lines[1].startswith("    hint: remove it")
    assert "garage  2 findings, not rendered: its variables are wrong" in lines
    assert any(line.startswith("barn    ok, ") for line in lines)
    assert any("bridges.yml:8: proxy_http_port: 22 is already used" in line for line in lines)
    assert lines[-1].startswith("inventory: 2 bridges, 3 findings, ")
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", "".join(lines))


def test_json_has_the_promised_form(validator: Validator, tmp_path: Path) -> None:
    report = shown(validator, tmp_path, "json").report
    assert set(report) == {
        *("version", "ok", "inventory", "bridges", "findings", "not_checked", "notes", "output"),
        "seconds",
    }
    assert (report["version"], report["ok"], report["output"]) == (1, False, None)
    for finding in report["findings"]:
        assert set(finding) == {
            *("by", "problem", "hint", "variable", "file", "line", "bridges"),
        }
    names = [bridge["name"] for bridge in report["bridges"]]
    assert names == ["garage", "barn"]
    assert set(report["bridges"][0]) == {"name", "backends", "files", "unreadable", "not_rendered"}


def test_junit_is_xml_with_a_case_for_each_bridge(validator: Validator, tmp_path: Path) -> None:
    text = shown(validator, tmp_path, "junit").output
    suite = ET.fromstring(text)  # noqa: S314 - our own
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    assert suite.get("tests") == str(len(cases))
    assert suite.get("failures") == "3"
    assert len(cases["garage"].findall("failure")) == 2
    assert len(cases["inventory"].findall("failure")) == 1
    assert cases["barn"].find("failure") is None
    skipped = [name for name, case in cases.items() if case.find("skipped") is not None]
    assert suite.get("skipped") == str(len(skipped))


def test_github_gets_one_command_a_line(validator: Validator, tmp_path: Path) -> None:
    lines = shown(validator, tmp_path, "github").output.splitlines()
    commands = [re.fullmatch(r"::(error|notice) ([^:]*)::(.*)", line) for line in lines[:-1]]
    assert all(commands), lines
    errors = [match for match in commands if match and match[1] == "error"]
    assert [match[2] for match in errors] == [
        "file=inventory/bridges.yml,line=7,title=uplink_hostname",
        "file=inventory/bridges.yml,line=8,title=proxy_http_port",
        "file=inventory/old%2C 50%25.yml.bak,title=inventory",
    ]
    assert "%0A" not in errors[0][3]
    assert not lines[-1].startswith("::")


@pytest.mark.parametrize("form", ["text", "junit", "github"])
def test_what_is_wrong_for_many_is_said_once(
    validator: Validator, tmp_path: Path, form: str
) -> None:
    hosts = "".join(f"    bridge-{number}:\n" for number in range(12))
    common = "uplink_type: ethernet\nuplink_interface: eth1\nproxy_cache_seconds: 700\n"
    files = {
        "bridges.yml": f"---\npvs_bridges:\n  hosts:\n{hosts}",
        "group_vars/pvs_bridges.yml": f"---\n{common}",
    }
    done = validator(write(tmp_path, files), "--format", form)
    assert done.status == 1
    if form == "junit":
        assert done.output.count("<failure") == 12, "each bridge's case fails"
    else:
        assert done.output.count("must be from 0 to 600") == 1
        assert "bridge-0, bridge-1, bridge-2 and 9 more" in done.output
