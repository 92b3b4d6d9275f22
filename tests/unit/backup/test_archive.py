"""An archive is read completely and correctly, or refused before anything is changed."""

from __future__ import annotations

import dataclasses
import io
import json
import tarfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as any_

from pvs_bridge.backup import archive
from pvs_bridge.backup.archive import Backup
from pvs_bridge.backup.contents import CERTIFICATE, STATE, VARIABLES, File, is_part
from pvs_bridge.errors import IssueError

MONTH = "var/lib/pvs-bridge-monitor/history/2026-06.jsonl"
BACKUP = Backup(
    host="garage",
    date="2026-06-21T12:00:00+00:00",
    version="0.1.0",
    files={
        VARIABLES: File(b"uplink_type: none\n", 0o600),
        CERTIFICATE: File(b"key and certificate", 0o600),
        MONTH: File(b"{}\n" * 5000, 0o640),
    },
)


def written(backup: Backup = BACKUP) -> bytes:
    """Return an archive."""
    out = io.BytesIO()
    archive.write(backup, out)
    return out.getvalue()


def refusal(data: bytes) -> str:
    """Read an archive that must be refused; return the error."""
    with pytest.raises(IssueError) as caught:
        archive.read(io.BytesIO(data))
    return str(caught.value)


def changed(change: Callable[[tarfile.TarInfo], tarfile.TarInfo | None]) -> bytes:
    """Return an archive whose members a function has changed or, with None, removed."""
    out = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(written())) as old,
        tarfile.open(fileobj=out, mode="w:gz") as new,
    ):
        for member in old:
            content = old.extractfile(member)
            assert content is not None
            data = content.read()
            wanted = change(member)
            if wanted is not None:
                new.addfile(wanted, io.BytesIO(data))
    return out.getvalue()


def with_manifest(**values: object) -> bytes:
    """Return an archive with another manifest only."""
    manifest = {"kind": "pvs-bridge backup", "format": 1, "files": {}, **values}
    text = json.dumps({"host": "", "date": "", "version": "9.0", **manifest}).encode()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        member = tarfile.TarInfo("manifest.json")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text))
    return out.getvalue()


def test_what_was_written_is_read() -> None:
    assert archive.read(io.BytesIO(written())) == BACKUP


@given(any_.data())
def test_a_truncated_archive_is_refused(data: any_.DataObject) -> None:
    whole = written()
    # The last 8 bytes are those of gzip, which age protects.
    length = data.draw(any_.integers(0, len(whole) - 9))
    try:
        assert archive.read(io.BytesIO(whole[:length])) == BACKUP
    except IssueError:
        return


def test_half_an_archive_is_refused() -> None:
    assert "Hint: " in refusal(written()[: len(written()) // 2])


@pytest.mark.parametrize("data", [b"", b"uplink_type: none\n", bytes(10240)])
def test_a_foreign_file_is_refused(data: bytes) -> None:
    assert refusal(data)


def test_a_foreign_archive_is_refused() -> None:
    assert "not a backup of pvs-bridge" in refusal(with_manifest(kind="other"))


def test_a_newer_format_is_refused() -> None:
    said = refusal(with_manifest(format=archive.FORMAT + 1))
    assert said.startswith("the backup is of a newer version, 9.0. Hint: install")


@pytest.mark.parametrize(
    "name",
    [
        "/etc/pvs-bridge/bridge.yml",
        "../etc/pvs-bridge/bridge.yml",
        "etc/ssh/ssh_host_../../x_key",
        "etc/ssh/ssh_host_x/../../passwd_key",
        "etc/shadow",
    ],
)
def test_another_path_is_refused(name: str) -> None:
    backup = dataclasses.replace(BACKUP, files={name: File(b"", 0o600)})
    assert f"not part of one: {name!r}" in refusal(written(backup))


def test_a_link_is_refused() -> None:
    def link(member: tarfile.TarInfo) -> tarfile.TarInfo:
        if member.name == CERTIFICATE:
            member.type, member.linkname, member.size = tarfile.SYMTYPE, "/etc/shadow", 0
        return member

    assert f"not part of one: {CERTIFICATE!r}" in refusal(changed(link))


def test_a_missing_file_is_named() -> None:
    said = refusal(changed(lambda member: None if member.name == MONTH else member))
    assert f"lacks a file: {MONTH!r}" in said


def test_a_changed_file_is_named() -> None:
    def shorter(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.size -= member.name == CERTIFICATE
        return member

    assert f"damaged file: {CERTIFICATE}" in refusal(changed(shorter))


def test_a_backup_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LARGEST_BYTES", 100)
    assert "must have at most 100 bytes" in refusal(written())


def test_modes_are_those_of_files_that_no_one_else_writes() -> None:
    def set_user_id(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.mode = 0o6777
        return member

    found = archive.read(io.BytesIO(changed(set_user_id)))
    assert {file.mode for file in found.files.values()} == {0o644}


def test_each_pattern_has_a_file() -> None:
    examples = {
        each.replace("[0-9][0-9][0-9][0-9]-[0-9][0-9]", "2026-06").replace("*", "ed25519")
        for each in STATE
    }
    assert len(examples) == len(STATE)
    assert all(map(is_part, examples))
