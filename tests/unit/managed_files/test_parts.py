"""The states block and line: a part of a file changes, and the rest is kept."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from unit.managed_files.running import put

LINK = "pvs-bridge: PVS link"
UPLINK = "pvs-bridge: uplink"
SECTION = r"^\s*(interface|ssid|profile)\b"


def block(dest: Path, marker: str = LINK, content: str = "interface eth0\n") -> dict[str, Any]:
    """Want a block in a file."""
    return {"dest": str(dest), "state": "block", "marker": marker, "content": content}


def retiring(dest: Path, interface: str) -> dict[str, Any]:
    """Want a block, and the interface's other sections retired."""
    retire = {"retire_from": rf"^\s*interface\s+{interface}\s*$", "retire_until": SECTION}
    return {**block(dest, content=f"interface {interface}\nnogateway"), **retire}


def line(dest: Path, content: str = "127.0.1.1 garage") -> dict[str, Any]:
    """Want a line in a file."""
    return {"dest": str(dest), "state": "line", "regexp": r"^127\.0\.1\.1\b", "content": content}


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    """Return the file's path; there is no file yet."""
    return tmp_path / "etc/program.conf"


@pytest.fixture
def written(dest: Path) -> Path:
    """Return the path of a file of the user."""
    dest.parent.mkdir()
    dest.write_text("# mine\n\nhostname\n\toption 1  \n")
    return dest


def test_a_file_that_is_missing_is_made(dest: Path) -> None:
    assert put({**block(dest), "mode": "0600"})["changed_files"] == [str(dest)]
    assert dest.read_text() == f"# BEGIN {LINK}\ninterface eth0\n# END {LINK}\n"
    assert stat.S_IMODE(dest.stat().st_mode) == 0o600


def test_a_block_comes_at_the_end_and_nothing_else_changes(written: Path) -> None:
    before = written.read_text()
    put(block(written))
    assert written.read_text() == f"{before}# BEGIN {LINK}\ninterface eth0\n# END {LINK}\n"


def test_a_last_line_without_an_end_gets_one(written: Path) -> None:
    written.write_text("hostname")
    put(block(written))
    assert written.read_text().startswith(f"hostname\n# BEGIN {LINK}\n")


def test_a_block_is_replaced_where_it_stands(written: Path) -> None:
    put(block(written))
    with written.open("a") as file:
        file.write("behind\n")
    put(block(written, content="interface eth1\nnogateway\n"))
    assert written.read_text().splitlines()[-5:] == [
        f"# BEGIN {LINK}", "interface eth1", "nogateway", f"# END {LINK}", "behind",
    ]  # fmt: skip
    assert "eth0" not in written.read_text()


def test_an_empty_block_is_removed_and_retires_nothing(written: Path) -> None:
    before = written.read_text() + "interface eth0\n"
    written.write_text(before)
    empty = {**retiring(written, "eth0"), "content": ""}
    assert put(empty)["changed_files"] == []
    assert written.read_text() == before
    put(block(written, UPLINK), block(written))
    put(empty)
    assert written.read_text() == f"{before}# BEGIN {UPLINK}\ninterface eth0\n# END {UPLINK}\n"


def test_a_block_that_is_right_changes_nothing(written: Path) -> None:
    assert put(block(written))["changed"]
    inode = written.stat().st_ino
    assert not put(block(written))["changed"]
    assert written.stat().st_ino == inode


def test_several_parts_of_one_file_are_one_change(written: Path) -> None:
    wanted = [block(written), line(written), block(written, UPLINK, "interface wlan0")]
    result = put(*wanted)
    assert result["changed_files"] == [str(written)]
    assert len(result["diff"]) == 1
    text = written.read_text()
    assert [text.count(each) for each in ("BEGIN", "END", "127.0.1.1 garage")] == [2, 2, 1]
    assert not put(*wanted)["changed"]


def test_one_block_leaves_the_other_one_as_it_is(written: Path) -> None:
    put(block(written), block(written, UPLINK, "interface wlan0\nstatic x"))
    put(block(written, content="interface eth1"))
    assert f"# BEGIN {UPLINK}\ninterface wlan0\nstatic x\n# END {UPLINK}\n" in written.read_text()


@pytest.mark.parametrize("lost", ["BEGIN", "END"])
def test_half_a_block_removes_no_other_lines(written: Path, lost: str) -> None:
    put(block(written))
    text = written.read_text().replace(f"# {lost} {LINK}\n", "") + "mine too\n"
    written.write_text(text)
    for _ in range(2):
        put(block(written))
        lines = written.read_text().splitlines()
        assert {"hostname", "\toption 1  ", "mine too"} <= set(lines)
        assert lines[-3:] == [f"# BEGIN {LINK}", "interface eth0", f"# END {LINK}"]
        assert [lines.count(f"# {word} {LINK}") for word in ("BEGIN", "END")] == [1, 1]
    assert not put(block(written))["changed"]


def test_line_ends_and_odd_characters_of_others_stay(written: Path) -> None:
    odd = b"one\r\ntwo\x0cthree\x0b\nf\xfcr\n\xe2\x80\xa8end\n"
    written.write_bytes(odd)
    wanted = [block(written), line(written)]
    assert put(*wanted)["changed"]
    assert written.read_bytes().startswith(odd)
    assert not put(*wanted)["changed"]


def test_a_difference_is_shown_whatever_bytes_the_file_has(written: Path) -> None:
    written.write_bytes(b"# f\xfcr\n")
    (difference,) = put(block(written))["diff"]
    assert difference["before"] == "# f\N{REPLACEMENT CHARACTER}r\n"
    assert difference["after"].startswith("# f\N{REPLACEMENT CHARACTER}r\n# BEGIN")


def test_a_block_is_found_in_a_file_that_was_saved_elsewhere(written: Path) -> None:
    put(block(written))
    written.write_bytes(written.read_bytes().replace(b"\n", b"\r\n"))
    put(block(written))
    assert written.read_bytes().count(b"BEGIN") == 1
    assert b"\toption 1  \r\n" in written.read_bytes()
    assert not put(block(written))["changed"]


@pytest.mark.needs_system
def test_a_file_keeps_its_mode_owner_and_group(written: Path) -> None:
    os.chown(written, 3, 4)
    written.chmod(0o664)
    assert put(block(written))["changed"]
    about = written.stat()
    assert (stat.S_IMODE(about.st_mode), about.st_uid, about.st_gid) == (0o664, 3, 4)
    assert not put(block(written))["changed"]


def test_sections_that_the_block_stands_for_are_retired_and_no_others(written: Path) -> None:
    written.write_text(
        "hostname\n"
        "interface eth0\n"
        "  static ip_address=1.2.3.4/24\n"
        "\n"
        "# a comment\n"
        "interface wlan0\n"
        "static routers=1.2.3.1\n"
        " interface  eth0 \n"
        "ipv4only\n"
        "ssid eth0\n"
        "noipv6\n"
        "interface eth01\n"
        "noarp\n"
    )
    put(block(written, UPLINK, "interface eth0\nkept"), retiring(written, "eth0"))
    assert written.read_text() == (
        "hostname\n"
        "# replaced by pvs-bridge: interface eth0\n"
        "# replaced by pvs-bridge:   static ip_address=1.2.3.4/24\n"
        "\n"
        "# a comment\n"
        "interface wlan0\n"
        "static routers=1.2.3.1\n"
        "# replaced by pvs-bridge:  interface  eth0 \n"
        "# replaced by pvs-bridge: ipv4only\n"
        "ssid eth0\n"
        "noipv6\n"
        "interface eth01\n"
        "noarp\n"
        f"# BEGIN {UPLINK}\ninterface eth0\nkept\n# END {UPLINK}\n"
        f"# BEGIN {LINK}\ninterface eth0\nnogateway\n# END {LINK}\n"
    )
    assert not put(block(written, UPLINK, "interface eth0\nkept"), retiring(written, "eth0"))[
        "changed"
    ]


def test_a_section_ends_where_a_block_begins(written: Path) -> None:
    put(block(written, UPLINK, "interface wlan0"))
    text = written.read_text().removeprefix("# mine\n\n")
    written.write_text(f"interface eth0\n{text}behind\n")
    put(retiring(written, "eth0"))
    lines = written.read_text().splitlines()
    assert "# replaced by pvs-bridge: hostname" in lines
    assert {"interface wlan0", "behind"} <= set(lines)


def test_a_line_takes_the_place_of_the_last_one_that_fits(written: Path) -> None:
    written.write_text("127.0.0.1 localhost\n127.0.1.1 old # mine\n127.0.1.10 other\n")
    put(line(written))
    assert written.read_text() == "127.0.0.1 localhost\n127.0.1.1 garage\n127.0.1.10 other\n"
    assert not put(line(written))["changed"]


def test_a_line_that_nothing_fits_comes_at_the_end(written: Path) -> None:
    before = written.read_text()
    put(line(written))
    assert written.read_text() == f"{before}127.0.1.1 garage\n"


@pytest.mark.parametrize(
    ("incomplete", "missing"),
    [
        ({"state": "block", "content": "x"}, "marker"),
        ({"state": "line", "content": "x"}, "regexp"),
        ({"state": "block", "content": "x", "marker": "m", "retire_from": "x"}, "retire_until"),
    ],
)
def test_an_option_that_is_missing_is_named(
    dest: Path, incomplete: dict[str, Any], missing: str
) -> None:
    result = put({"dest": str(dest), **incomplete})
    assert result["failed"]
    assert missing in result["msg"]
