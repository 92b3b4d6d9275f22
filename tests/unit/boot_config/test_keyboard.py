"""The keyboard layout of Imager's form is taken over."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvs_bridge.boot_config import keyboard


@pytest.mark.parametrize(("status", "note"), [(0, ""), (1, "could not be loaded")])
def test_the_layout_is_written_and_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, note: str
) -> None:
    file, called = tmp_path / "keyboard", tmp_path / "called"
    program = tmp_path / "setupcon"
    program.write_text(f'#!/bin/sh\necho "$@" > {called}\nexit {status}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert note in keyboard.provide("gb", "pc105", file)
    assert called.read_text() == "--keyboard-only --force\n"
    assert file.read_text() == (
        'XKBMODEL="pc105"\nXKBLAYOUT="gb"\nXKBVARIANT=""\nXKBOPTIONS=""\nBACKSPACE="guess"\n'
    )


def test_without_console_setup_the_report_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    note = keyboard.provide("de", "pc105", tmp_path / "keyboard")
    assert "apt install console-setup" in note
    assert 'XKBLAYOUT="de"' in (tmp_path / "keyboard").read_text()


def test_a_layout_that_is_not_a_name_is_ignored(tmp_path: Path) -> None:
    assert "was ignored" in keyboard.provide('"$(reboot)"', "pc105", tmp_path / "keyboard")
    assert not (tmp_path / "keyboard").exists()
