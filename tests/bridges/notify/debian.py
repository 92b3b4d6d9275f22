"""Debian's apprise, of the release that a Pi runs, with the agent beside it."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bridges.notify.receiver import serve

from proxy_rig.chroot import command_in
from proxy_rig.rendering import PROJECT
from pvs_lab.image import provide
from pvs_lab.recipes import Recipe

RELEASES = ("bookworm", "trixie")
_CONFIGURATION = (
    '{"name": "garage", "page": "http://garage.local/bridge/", "after_seconds": 1200,'
    ' "quiet_hours": "", "daily_limit": 10}'
)


class Debian:
    """A root file system with apprise; each program has a copy of it.

    Attributes:
        folder: A folder that the programs see as /mnt, with the agent.
    """

    def __init__(self, release: str, folder: Path) -> None:
        """Take the image from the cache, or build it, which takes a minute.

        Raises:
            LabError: It could not be built.
        """
        files = (("/etc/hosts", "127.0.0.1 localhost\n"),)
        recipe = Recipe(release, "apprise", ("apprise",), (), files, is_card=False)
        self._root = provide(recipe, print).root
        self.folder = folder
        agent = PROJECT / "roles/agent/files/pvs_bridge"
        shutil.copytree(agent, folder / "pvs_bridge", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "notify.json").write_text(_CONFIGURATION)

    def python(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run Debian's Python."""
        command = ["/usr/bin/python3", *words]
        return subprocess.run(
            command_in([self._root], self._root / "mnt", self.folder, "/mnt", command),
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def notify(self, urls: Sequence[str], *words: str) -> subprocess.CompletedProcess[str]:
        """Run `pvs-bridge notify` with some URLs."""
        (self.folder / "notify.urls").write_text("# Ansible managed\n" + "\n".join(urls) + "\n")
        return self.python("-I", "/mnt/pvs_bridge/__main__.py", "notify", *words)


@contextmanager
def receiving(folder: Path) -> Iterator[int]:
    """Serve at a free port of this machine; what it gets is in the file `got`.

    Yields:
        the port.
    """
    server = serve(0, folder / "got", folder / "status")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
