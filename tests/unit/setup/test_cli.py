"""A Pi that cannot be set up gets one error with a hint, before anything changes."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from types import SimpleNamespace

import pytest

from pvs_bridge.setup import cli, configuration, playbook

TRIXIE = {"VERSION_CODENAME": "trixie", "PRETTY_NAME": "Debian GNU/Linux 13 (trixie)"}
BOOKWORM = {"VERSION_CODENAME": "bookworm", "PRETTY_NAME": "Debian GNU/Linux 12 (bookworm)"}


@pytest.fixture(autouse=True)
def pi(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A Pi with a configuration, but without the package."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: TRIXIE)
    monkeypatch.setattr(cli, "Root", lambda: SimpleNamespace(locked=False))
    monkeypatch.setattr(cli, "_CARD", tmp_path / "card")
    monkeypatch.setattr(cli, "_RUN", tmp_path)
    monkeypatch.setattr(playbook, "PROJECT", tmp_path / "project")
    file = tmp_path / "bridge.yml"
    file.write_text("uplink_type: none\n")
    monkeypatch.setattr(configuration, "FILE", file)


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    """Apply; return the error."""
    assert cli.apply([]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    return said.err


def test_only_root_may_change_the_pi(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert refusal(capsys) == (
        "pvs-bridge: must be run as root. Hint: write sudo before the command\n"
    )


def test_another_system_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: BOOKWORM)
    said = refusal(capsys)
    assert "must be Debian 13 or Raspberry Pi OS Trixie, got Debian GNU/Linux 12" in said
    assert "make provision" in said


def test_a_card_is_configured_by_its_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "card").touch()
    assert "edit pvs-bridge.yml on the boot partition" in refusal(capsys)


def test_a_locked_root_is_unlocked_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "Root", lambda: SimpleNamespace(locked=True))
    assert "run sudo pvs-bridge overlay unlock" in refusal(capsys)


def test_without_the_package_its_installation_is_the_hint(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "sudo apt install ./pvs-bridge_*_all.deb" in refusal(capsys)


def test_an_editor_that_fails_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VISUAL", "false")
    assert cli.edit([]) == 1
    assert "the editor failed: false. Hint: set VISUAL" in capsys.readouterr().err
    assert (tmp_path / "bridge.yml").read_text() == "uplink_type: none\n"


def test_two_runs_at_once_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with cli._locked():
        assert "another setup of this Pi is running" in refusal(capsys)
