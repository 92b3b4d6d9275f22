"""The compat service beside a haproxy of a world, on this machine's Python."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from proxy_rig.haproxy import Haproxy
from proxy_rig.rendering import PROJECT
from proxy_rig.world import PVS, World, end

PROGRAM = PROJECT / "roles/agent/files/pvs_bridge/__main__.py"


class CompatService:
    """The compat service, which can be killed and started again."""

    def __init__(self, world: World, haproxy: Haproxy, folder: Path, **chosen: Any) -> None:  # noqa: ANN401
        """Write its configuration; start() runs it.

        Args:
            world: where.
            haproxy: the proxy that the service answers, and sends its own requests through.
            folder: an empty one that lives as long as this.
            chosen: what its configuration has that differs from the rest.
        """
        self._world = world
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.log = folder / "log"
        run = Path(f"/proc/{haproxy.pid}/root/run")
        (run / "pvs-bridge-compat").mkdir(exist_ok=True)
        configuration = {
            "mode": "auto",
            "listen_socket": str(run / "pvs-bridge-compat/http.sock"),
            "live_socket": str(run / "pvs-bridge-compat/live.sock"),
            "pvs_url": f"http://{PVS}",
            "pvs_socket": str(run / "haproxy/compat.sock"),
            "stats_socket": str(run / "haproxy/figures.sock"),
            "state_file": str(folder / "pvs.json"),
            "password": "",
            "cache_seconds": 0,
            "stale_seconds": 0,
            "night_seconds": 0,
            "secrets": False,
            "live_data_enabled": False,
            "timeout_seconds": 60,
            **chosen,
        }
        (folder / "compat.json").write_text(json.dumps(configuration))

    def start(self) -> None:
        """Run it."""
        config = str(self._folder / "compat.json")
        words = [sys.executable, "-I", str(PROGRAM), "compat", "--config", config]
        with self.log.open("ab") as output:
            self._process = self._world.bridge.popen(words, output)

    @property
    def pid(self) -> int:
        """The process, which runs."""
        if self._process is None:
            raise AssertionError("the compat service does not run")
        return self._process.pid

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None:
            end(self._process)
            self._process = None


@contextlib.contextmanager
def compat_service(world: World, haproxy: Haproxy, **chosen: Any) -> Iterator[CompatService]:  # noqa: ANN401
    """Run the compat service until the end of the block; see :class:`CompatService`."""
    with tempfile.TemporaryDirectory() as folder:
        service = CompatService(world, haproxy, Path(folder), **chosen)
        service.start()
        try:
            yield service
        finally:
            service.kill()
