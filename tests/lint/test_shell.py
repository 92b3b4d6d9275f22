"""Shell: shellcheck finds nothing."""

from __future__ import annotations

import re
from pathlib import Path

from lint.project import ROOT, files, run

SHEBANG = re.compile(rb"#!\s*/(usr/)?bin/(env\s+)?(ba|da)?sh\b")


def shell_scripts() -> list[str]:
    """Find every shell script, by its name or by its first line."""
    return [str(path.relative_to(ROOT)) for path in files() if is_shell_script(path)]


def is_shell_script(path: Path) -> bool:
    with path.open("rb") as stream:
        return path.suffix == ".sh" or bool(SHEBANG.match(stream.readline(100)))


def test_shellcheck_finds_nothing() -> None:
    scripts = shell_scripts()
    assert "ansible/tooling/setup.sh" in scripts
    run("shellcheck", *scripts)
