"""`pvs-bridge certificate`: when a certificate is made, and what is kept."""

from __future__ import annotations

import datetime
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from pvs_bridge.host import units
from pvs_bridge.proxy import certificate

pytestmark = pytest.mark.needs_system

NAMES = ["garage", "garage.local", "192.168.1.20"]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The certificate and the file for haproxy's unit, in a folder of their own."""
    pem, marker = tmp_path / "pem", tmp_path / "environment"
    monkeypatch.setattr(certificate, "PEM", pem)
    monkeypatch.setattr(certificate, "MARKER", marker)
    return pem, marker


@pytest.fixture
def restarts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The commands that were given to systemd."""
    given: list[tuple[str, ...]] = []
    monkeypatch.setattr(units, "run", given.extend)
    return given


def read(pem: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.read_bytes())


def private_key(pem: Path) -> str:
    return pem.read_text().partition("-----BEGIN PRIVATE KEY-----")[2]


def at(monkeypatch: pytest.MonkeyPatch, clock: str) -> None:
    """Have openssl see another time."""
    openssl = certificate._openssl
    moment = int(datetime.datetime.fromisoformat(clock).timestamp())

    def openssl_then(*words: str) -> subprocess.CompletedProcess[str]:
        if "-checkend" in words:
            # It compares with the time of this machine.
            after = moment - int(datetime.datetime.now(datetime.UTC).timestamp())
            words = (*words[:-1], str(int(words[-1]) + after))
        return openssl(*words)

    monkeypatch.setattr(certificate, "_openssl", openssl_then)


def test_the_first_run_makes_a_certificate_that_haproxy_s_group_reads(
    files: tuple[Path, Path], restarts: list[tuple[str, ...]]
) -> None:
    pem, marker = files
    assert certificate.main(NAMES) == 0
    assert stat.S_IMODE(pem.stat().st_mode) == 0o640
    made = read(pem)
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == NAMES[:2]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == NAMES[2:]
    assert made.subject.rfc4514_string() == "CN=garage"
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert (made.not_valid_after_utc - made.not_valid_before_utc).days == certificate.DAYS
    assert marker.read_text() == "PVS_BRIDGE_CERTIFICATE=yes\n"
    assert restarts == [("systemctl", "--no-block", "try-restart", "haproxy.service")]


def test_a_good_certificate_is_kept(
    files: tuple[Path, Path], restarts: list[tuple[str, ...]]
) -> None:
    pem, _ = files
    certificate.main(NAMES)
    before = pem.read_bytes()
    restarts.clear()
    assert certificate.main(list(reversed(NAMES))) == 0
    assert pem.read_bytes() == before
    assert restarts == []


@pytest.mark.parametrize("clock", ["1970-01-01T00:05+00:00", "2001-01-01T00:00+00:00"])
def test_a_clock_that_is_behind_destroys_no_certificate(
    files: tuple[Path, Path],
    restarts: list[tuple[str, ...]],
    monkeypatch: pytest.MonkeyPatch,
    clock: str,
) -> None:
    pem, _ = files
    certificate.main(NAMES)
    before = pem.read_bytes()
    restarts.clear()
    at(monkeypatch, clock)
    assert certificate.main(NAMES) == 0
    assert (pem.read_bytes(), restarts) == (before, [])


@pytest.mark.parametrize(
    ("days_left", "renewed"), [(-1000, True), (29, True), (31, False), (400, False)]
)
def test_a_certificate_is_renewed_before_it_ends_with_the_same_key(
    files: tuple[Path, Path],
    restarts: list[tuple[str, ...]],
    monkeypatch: pytest.MonkeyPatch,
    days_left: int,
    renewed: bool,
) -> None:
    pem, _ = files
    certificate.main(NAMES)
    before = pem.read_bytes()
    key = private_key(pem)
    restarts.clear()
    end = read(pem).not_valid_after_utc
    at(monkeypatch, (end - datetime.timedelta(days=days_left)).isoformat())
    assert certificate.main(NAMES) == 0
    assert (pem.read_bytes() != before) is renewed
    assert private_key(pem) == key
    assert len(restarts) == renewed


def test_other_names_make_another_certificate_with_the_same_key(
    files: tuple[Path, Path], restarts: list[tuple[str, ...]]
) -> None:
    pem, _ = files
    certificate.main(NAMES)
    key = private_key(pem)
    assert certificate.main(["shed", *NAMES]) == 0
    assert read(pem).subject.rfc4514_string() == "CN=shed"
    assert private_key(pem) == key
    assert len(restarts) == 2


@pytest.mark.parametrize("damage", ["empty", "cut", "other key", "text"])
def test_a_damaged_file_is_replaced(
    files: tuple[Path, Path], restarts: list[tuple[str, ...]], tmp_path: Path, damage: str
) -> None:
    pem, _ = files
    certificate.main(NAMES)
    certificate.create(tmp_path / "other", NAMES)
    whole = pem.read_text()
    damaged = {
        "empty": "",
        "cut": whole[:400],
        "other key": whole.replace(private_key(pem), private_key(tmp_path / "other")),
        "text": "hello",
    }
    pem.write_text(damaged[damage])
    assert certificate.main(NAMES) == 0
    assert certificate.is_good(pem, NAMES)
    assert len(restarts) == 2


def test_a_card_that_cannot_be_written_to_is_reported(
    files: tuple[Path, Path],
    restarts: list[tuple[str, ...]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(certificate, "PEM", files[0].parent / "missing" / "pem")
    assert certificate.main(NAMES) == 1
    assert "No such file or directory" in capsys.readouterr().err
    assert not files[1].exists()
    assert restarts == []


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_wrong_usage_is_named(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert certificate.main(arguments) == 2
    assert "usage: pvs-bridge certificate NAME..." in capsys.readouterr().err
