"""Imports: each layer imports only lower ones, as pyproject.toml's contracts say."""

from __future__ import annotations

import os

from lint.project import ROOT, run

_FOLDERS = ("tests", "image", "ansible", "ansible/collections", "roles/agent/files")


def test_every_contract_is_kept() -> None:
    path = os.pathsep.join(str(ROOT / folder) for folder in _FOLDERS)
    run("lint-imports", "--no-logo", "--cache-dir", ".import_linter_cache", PYTHONPATH=path)
