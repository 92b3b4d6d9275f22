"""One cached image with Debian's proxies and promtool, for benchmarks and tests.

Programs of the image run where :meth:`proxy_rig.world.Namespace.popen` starts them::

    bench = Workbench()
    world.bridge.popen(bench.command(folder, "/etc/nginx", "nginx", "-g", "daemon off;"), log)

A test for varnishtest that has haproxy bind to ``fd@${NAME}`` says
``feature ignore_unknown_macro`` first, because only haproxy knows the name.
"""

from __future__ import annotations

from pathlib import Path

from proxy_rig.chroot import command_in
from pvs_lab.image import provide
from pvs_lab.recipes import Recipe

# promtool comes with prometheus, and varnishtest with varnish, as does the C compiler that varnishd
# makes its code with.
_RECIPE = Recipe(
    release="trixie",
    backend="workbench",
    packages=("haproxy", "nginx-light", "prometheus", "varnish"),
    on_offer=(),
    # varnishd resolves localhost for its management port.
    files=(("/etc/hosts", "127.0.0.1 localhost\n"),),
    is_card=False,
)


class Workbench:
    """The image with the programs; built once, which takes about a minute.

    Attributes:
        root: the image; only to be read.
    """

    def __init__(self) -> None:
        """Take the image from the cache, or build it.

        Raises:
            LabError: it could not be built.
        """
        self.root = provide(_RECIPE, print).root

    def command(self, folder: Path, seen_as: str, *words: str) -> list[str]:
        """Return the command that runs a program of the image; it needs root.

        All folders are writable, in memory, with the contents of the packages.

        Args:
            folder: a folder of this machine that the program sees and may write to.
            seen_as: where it sees it, such as ``/etc/haproxy``; made where the image lacks it.
            words: program and arguments.
        """
        return command_in([self.root], self.root / "mnt", folder, seen_as, words)
