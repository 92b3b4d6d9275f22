"""A lab's Pi, as a place to run the programs that read the configuration."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass

from pvs_lab import enter


@dataclass(frozen=True)
class Pi:
    """One Pi that is up.

    Attributes:
        lab: the lab that it is in.
        release: its Debian.
        backend: what configures its network.
    """

    lab: str
    release: str
    backend: str

    def attempt(self, script: str, stdin: bytes = b"") -> tuple[int, str]:
        """Run a shell script; its exit status, and what it printed, errors among it."""
        done = subprocess.run(
            enter.command_on(self.lab, "bridge", ["sh", "-c", f"exec 2>&1; {script}"]),
            input=stdin,
            stdout=subprocess.PIPE,
            check=False,
            timeout=120,
        )
        return done.returncode, done.stdout.decode()

    def run(self, script: str, stdin: bytes = b"") -> str:
        """Run a shell script that has to succeed, and return what it printed.

        Raises:
            AssertionError: it failed; what it printed is in the message.
        """
        status, printed = self.attempt(script, stdin)
        if status:
            raise AssertionError(f"{self.release}: {script}\nstatus {status}\n{printed}")
        return printed

    def put(self, files: Mapping[str, str]) -> None:
        """Write files that only root can read; by path, their text."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for path, text in files.items():
                content = text.encode()
                about = tarfile.TarInfo(path.lstrip("/"))
                about.size, about.mode = len(content), 0o600
                tar.addfile(about, io.BytesIO(content))
        self.run("tar --extract --directory=/", archive.getvalue())

    def journal(self, unit: str, cursor: str = "") -> str:
        """Return what a unit has logged, since a cursor if one is given."""
        since = f"--after-cursor='{cursor}'" if cursor else ""
        return self.run(f"journalctl --sync; journalctl --no-pager --output=cat -u {unit} {since}")

    def cursor(self) -> str:
        """Return the place in the journal that now is."""
        shown = self.run("journalctl --sync; journalctl --no-pager --lines=0 --show-cursor")
        return shown.rpartition("-- cursor: ")[2].strip()
