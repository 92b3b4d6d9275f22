"""What a rehearsal keeps of a card, and how the next one's differs."""

from __future__ import annotations

import hashlib
import io
import stat
import tarfile
from pathlib import Path

import pytest

from bridgectl.errors import CannotWorkError
from bridgectl.rehearse.config_files import File, changes, read_archive, read_conffiles
from bridgectl.rehearse.record import Record, difference
from bridgectl.rehearse.system import System

SYSTEM = System("trixie", "dhcpcd", 61707)


def text(content: str, mode: str = "0644", owner: str = "root:root") -> File:
    """Make a file."""
    return File("file", mode, owner, content.encode())


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Record:
    """Return an empty record."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Record(tmp_path / "home", "garage")


def test_an_archive_is_read_with_modes_owners_and_links() -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        one = tarfile.TarInfo("etc/haproxy.cfg")
        one.mode, one.uname, one.gname, one.size = 0o640, "root", "haproxy", 4
        archive.addfile(one, io.BytesIO(b"text"))
        link = tarfile.TarInfo("etc/link")
        link.type, link.linkname, link.uname, link.gname = tarfile.SYMTYPE, "to", "root", "root"
        archive.addfile(link)
        folder = tarfile.TarInfo("etc/folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    assert read_archive(stream.getvalue()) == {
        "etc/haproxy.cfg": File("file", "0640", "root:haproxy", b"text"),
        "etc/link": File("link", "", "root:root", b"to"),
    }


def test_what_packages_bring_is_left_out_as_long_as_it_is_as_it_came() -> None:
    came = hashlib.md5(b"as it came", usedforsecurity=False).hexdigest()
    shown = f"\n /etc/default/one {came}\n /etc/default/two {came} obsolete\n"
    before = {"etc/hosts": text("old"), "etc/same": text("same"), "etc/away": text("x")}
    after = {
        "etc/hosts": text("new"),
        "etc/same": text("same"),
        "etc/default/one": text("as it came"),
        "etc/default/two": text("changed"),
        "etc/passwd": text("haproxy:x:100"),
        "etc/ssh/ssh_host_key": text("secret"),
        "etc/haproxy/haproxy.cfg.17.2026-01-01@00:00:00~": text("backup"),
        "usr/local/lib/pvs-bridge/__pycache__/chain.pyc": text("bytes"),
    }
    assert changes(before, after, read_conffiles(shown)) == {
        "etc/away": File("gone"),
        "etc/default/two": text("changed"),
        "etc/hosts": text("new"),
    }


def test_a_rehearsal_is_remembered_whole(record: Record) -> None:
    files = {
        "etc/a": text("one\n", "0600"),
        "etc/b/c": File("file", "0644", "root:root", b"\xff\x00"),
        "etc/gone": File("gone"),
        "etc/link": File("link", "", "root:root", b"/usr/a"),
    }
    with record.locked():
        assert record.last() is None
        assert record.seen().release is None
        record.keep(SYSTEM, {"etc/old": text("old")})
        record.keep(SYSTEM, files)
    last = record.last()
    assert last is not None
    assert last.files == files
    assert (last.system.release, last.system.backend, last.system.firmware) == (
        *("trixie", "dhcpcd"),
        61707,
    )
    assert record.seen().backend == "dhcpcd"
    assert (record.files / "etc/a").read_text() == "one\n"
    assert not (record.files / "etc/old").exists()
    assert {path.name for path in record.folder.iterdir()} == {"about.json", "files"}


def test_only_the_owner_can_read_it(record: Record) -> None:
    with record.locked():
        assert stat.S_IMODE(record.folder.stat().st_mode) == 0o700


def test_two_rehearsals_of_one_bridge_do_not_meet(record: Record, tmp_path: Path) -> None:
    with record.locked():
        with pytest.raises(CannotWorkError, match="another rehearsal of garage is running"):
            Record(tmp_path / "home", "garage").locked().__enter__()
        with Record(tmp_path / "home", "barn").locked(), Record(tmp_path, "garage").locked():
            pass
    with record.locked():
        pass


def test_a_rehearsal_that_did_not_end_well_is_not_compared_with(record: Record) -> None:
    with record.locked():
        record.keep(SYSTEM, {"etc/a": text("a")})
        (record.folder / "about.json").unlink()
        assert record.last() is None


def test_a_difference_is_shown_as_diff_shows_it() -> None:
    before = {"etc/a": text("one\ntwo\n"), "etc/b": text("b"), "etc/same": text("same")}
    after = {
        "etc/a": text("one\n2\n"),
        "etc/b": text("b", "0600", "root:haproxy"),
        "etc/c": File("link", "", "root:root", b"/usr/c"),
        "etc/same": text("same"),
    }
    assert difference(before, after) == [
        "--- /etc/a  file  0644  root:root",
        "+++ /etc/a  file  0644  root:root",
        "@@ -1,2 +1,2 @@",
        " one",
        "-two",
        "+2",
        "--- /etc/b  file  0644  root:root",
        "+++ /etc/b  file  0600  root:haproxy",
        "--- (unchanged)",
        "+++ /etc/c  link  root:root",
        "@@ -0,0 +1 @@",
        "+/usr/c",
    ]
    assert difference(after, after) == []


def test_binary_files_are_not_shown() -> None:
    old, new = (File("file", "0644", "root:root", each) for each in (b"\xff", b"\xfe"))
    assert difference({"etc/a": old}, {"etc/a": new})[2:] == []
