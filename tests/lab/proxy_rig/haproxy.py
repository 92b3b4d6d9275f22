"""Debian's own haproxy of a release, with the role's configuration, inside a world."""

from __future__ import annotations

import contextlib
import functools
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from proxy_rig.chroot import command_in
from proxy_rig.rendering import PROJECT, error_pages, render
from proxy_rig.world import BRIDGE, World, end
from pvs_bridge.proxy import certificate
from pvs_lab.image import Image, provide
from pvs_lab.process import wait_until
from pvs_lab.recipes import recipe

# The root file systems that `make demo` and the core scenarios of molecule use too.
BACKENDS = {"bookworm": "dhcpcd", "trixie": "networkmanager"}
RELEASES = tuple(BACKENDS)
CONFIGURATION = "etc/haproxy/haproxy.cfg"
LIMITS = "pvs-bridge/limits.lua"
ADDRESS = "pvs-bridge/address.lua"
PAGE = PROJECT / "roles/status/files/etc/haproxy/pvs-bridge/status.html"
_START_SECONDS = 20
_ITSELF = {"address": "127.0.0.1", "source": "127.0.0.1"}

# As dpkg does: /lib stays a symbolic link.
_UNPACK = """
set -e
mount -t overlay haproxy -o "lowerdir=$1,upperdir=$2,workdir=$3" "$4"
for package in "$5"/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar --extract --keep-directory-symlink --directory "$4"
done
"""


class Unpacked:
    """haproxy of a release, unpacked from the packages that the labs offer.

    Attributes:
        release: the Debian release.
    """

    def __init__(self, release: str, folder: Path) -> None:
        """Unpack it.

        Args:
            release: one of :data:`RELEASES`.
            folder: an empty one that lives as long as this.
        """
        self.release = release
        image = provide(recipe(release, BACKENDS[release]), print)
        self._image, self._layer, self._root = image.root, folder / "layer", folder / "root"
        self._root.mkdir()
        self._unpack(image)

    def _unpack(self, image: Image) -> None:
        work = self._layer.with_name("work")
        for folder in (self._layer, work):
            folder.mkdir()
        places = [self._image, self._layer, work, self._root, image.packages]
        subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", _UNPACK, "sh",
                        *map(str, places)], check=True)  # fmt: skip
        # The package's own script does this on a Pi.
        for name, line in (("passwd", "haproxy:x:990:990::/var/lib/haproxy:/usr/sbin/nologin\n"),
                           ("group", "haproxy:x:990:\n")):  # fmt: skip
            text = (image.root / "etc" / name).read_text() + line
            (self._layer / "etc" / name).write_text(text)

    def command(self, etc: Path, *words: str) -> list[str]:
        """The command that runs a program of the release.

        Args:
            etc: the folder that it sees as ``/etc/haproxy``.
            words: program and arguments.
        """
        layers = [self._layer, self._image]
        # As haproxy's unit reads it from the certificate service.
        variable = ["env", f"{certificate.VARIABLE}=yes"]
        return command_in(layers, self._root, etc, "/etc/haproxy", [*variable, *words])


@functools.cache
def _certificate() -> str:
    """The certificate that the certificate service makes on a Pi."""
    with tempfile.TemporaryDirectory() as folder:
        pem = Path(folder) / "pem"
        certificate.create(pem, ["bridge", BRIDGE])
        return pem.read_text()


def write_configuration(etc: Path, chosen: dict[str, Any]) -> None:
    """Write the role's files for ``/etc/haproxy``.

    Args:
        etc: an empty folder.
        chosen: what an inventory sets.
    """
    (etc / "haproxy.cfg").write_text(render(f"{CONFIGURATION}.j2", chosen))
    (etc / "pvs-bridge").mkdir()
    for name, text in error_pages(chosen).items():
        (etc / "pvs-bridge" / name).write_text(text, newline="")
    (etc / LIMITS).write_text(render(f"etc/haproxy/{LIMITS}.j2", chosen))
    (etc / ADDRESS).write_text(render(f"etc/haproxy/{ADDRESS}.j2", chosen))
    (etc / "pvs-bridge" / certificate.PEM.name).write_text(_certificate())
    (etc / "pvs-bridge" / "own.pem").write_text(chosen.get("proxy_https_certificate", ""))
    shutil.copy(PAGE, etc / "pvs-bridge")


def check(unpacked: Unpacked, chosen: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """Check a configuration with a release's haproxy.

    Args:
        unpacked: the release.
        chosen: what an inventory sets.
    """
    with tempfile.TemporaryDirectory() as etc:
        write_configuration(Path(etc), chosen)
        command = unpacked.command(Path(etc), "haproxy", "-c", "-f", f"/{CONFIGURATION}")
        return subprocess.run(command, capture_output=True, text=True, check=False)


class Haproxy:
    """A running haproxy.

    Attributes:
        log: file with its output.
    """

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        """Wrap a process that was started."""
        self._process = process
        self.log = log

    @property
    def pid(self) -> int:
        """The main process."""
        return self._process.pid

    def memory(self) -> list[Path]:
        """The files in which the kernel states the memory of each of its processes."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [Path(f"/proc/{pid}/smaps_rollup") for pid in (self.pid, *children)]

    @property
    def configuration(self) -> Path:
        """The file that it reads."""
        return Path(f"/proc/{self.pid}/root/{CONFIGURATION}")

    @property
    def admin_socket(self) -> str:
        """Its socket for administration."""
        return f"/proc/{self.pid}/root/run/haproxy/admin.sock"

    @property
    def sockets(self) -> list[Path]:
        """Every Unix socket at which it listens."""
        return [*Path(f"/proc/{self.pid}/root/run/haproxy").iterdir()]


@contextlib.contextmanager
def running(
    world: World,
    unpacked: Unpacked,
    port: int = 80,
    **chosen: Any,  # noqa: ANN401 - variables
) -> Iterator[Haproxy]:
    """Run haproxy until the end of the block.

    Args:
        world: where.
        unpacked: the release.
        port: the one to wait for.
        chosen: what an inventory sets.

    Raises:
        AssertionError: it did not come up; its log is in the message.
    """
    with tempfile.TemporaryDirectory() as folder:
        etc = Path(folder) / "etc"
        etc.mkdir()
        write_configuration(etc, chosen)
        log = Path(folder) / "log"
        with log.open("wb") as output:
            command = unpacked.command(etc, "haproxy", "-W", "-f", f"/{CONFIGURATION}")
            process = world.bridge.popen(command, output)
        try:
            settled = wait_until(
                lambda: process.poll() is not None or world.listens(port, **_ITSELF),
                _START_SECONDS,
            )
            if not settled or process.poll() is not None:
                raise AssertionError(f"haproxy did not come up:\n{log.read_text()}")
            yield Haproxy(process, log)
        finally:
            end(process)
            # Its worker ends later, and must not be mistaken for the next haproxy.
            wait_until(lambda: not world.listens(port, **_ITSELF), _START_SECONDS)
