"""The PVS's certificate is remembered, and a change is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvs_bridge.compat.certificate import Certificate

ONE, TWO = "1A" * 32, "2B" * 32


def test_the_first_certificate_is_remembered(tmp_path: Path) -> None:
    file = tmp_path / "certificate"
    first = Certificate(file)
    assert not first.changed
    first.seen(ONE)
    assert not first.changed
    assert file.stat().st_mode & 0o777 == 0o600
    again = Certificate(file)
    again.seen(ONE)
    assert not again.changed


def test_another_certificate_is_reported_once_and_does_not_replace_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "certificate"
    Certificate(file).seen(ONE)
    certificate = Certificate(file)
    for digest in (TWO, TWO, TWO):
        certificate.seen(digest)
        assert certificate.changed
    assert capsys.readouterr().err.count("has changed") == 1
    assert file.read_text().strip() == ONE
    certificate.seen(ONE)
    assert not certificate.changed


def test_after_its_file_is_removed_the_next_certificate_is_the_first(tmp_path: Path) -> None:
    file = tmp_path / "certificate"
    Certificate(file).seen(ONE)
    file.unlink()
    certificate = Certificate(file)
    certificate.seen(TWO)
    assert not certificate.changed


@pytest.mark.parametrize("content", [b"", b"\xff", b"1A", b"{}"])
def test_a_damaged_file_counts_as_none(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "certificate"
    file.write_bytes(content)
    certificate = Certificate(file)
    certificate.seen(ONE)
    assert not certificate.changed
    assert file.read_text().strip() == ONE


def test_a_card_that_cannot_be_written_causes_no_outage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    certificate = Certificate(tmp_path / "missing" / "certificate")
    certificate.seen(ONE)
    assert not certificate.changed
    assert "missing" in capsys.readouterr().err
