"""What a freshly flashed Pi has on its card, per release and backend."""

from __future__ import annotations

import dataclasses

# On every Raspberry Pi OS Lite, and enough to boot, to log in and to be looked at by tests.
_COMMON = (
    "apt", "avahi-daemon", "ca-certificates", "dbus", "init", "iproute2",
    "iputils-ping", "iw", "kmod", "libpam-systemd", "netbase", "openssh-server", "procps",
    "python3", "python3-apt", "rfkill", "sudo", "systemd", "systemd-sysv", "udev",
    "wpasupplicant",
)  # fmt: skip

_BACKEND = {
    ("bullseye", "dhcpcd"): ("dhcpcd5", "openresolv"),
    ("bookworm", "dhcpcd"): ("dhcpcd", "openresolv"),
    ("trixie", "dhcpcd"): ("dhcpcd", "openresolv"),
    ("bookworm", "networkmanager"): ("network-manager",),
    # Raspberry Pi OS Trixie puts netplan in front of NetworkManager.
    ("trixie", "networkmanager"): ("network-manager", "netplan.io"),
}

# What the roles install: not on the card, but offered by the lab's package server.
_ON_OFFER = ("dnsmasq", "haproxy", "nftables")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """All that decides how an image comes out; a changed recipe is another image.

    Attributes:
        release: Debian release.
        backend: network backend.
        packages: Debian packages on the card.
        on_offer: packages, with what they depend on, that the lab's package server has.
        files: path inside the image to its text.
        appended: path inside the image to text that is added to what the package brings.
        is_card: whether a Pi boots from it and its user pi logs in; else it only holds programs.
    """

    release: str
    backend: str
    packages: tuple[str, ...]
    on_offer: tuple[str, ...]
    files: tuple[tuple[str, str], ...]
    appended: tuple[tuple[str, str], ...]
    is_card: bool = True

    def description(self) -> dict[str, object]:
        """What tells images apart; a field with a default came later, and older images lack it."""
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        }


_FILES = {
    "/etc/hostname": "raspberrypi\n",
    "/etc/hosts": "127.0.0.1 localhost\n127.0.1.1 raspberrypi\n",
    "/etc/apt/sources.list": "deb [trusted=yes] http://packages.home.arpa/ ./\n",
    "/etc/sudoers.d/010_pi-nopasswd": "pi ALL=(ALL) NOPASSWD: ALL\n",
}

# A Pi's interfaces are real ones; the lab's are veth, which NetworkManager would leave alone.
_MANAGE_VETH = (
    "/etc/NetworkManager/conf.d/lab-manage-veth.conf",
    "[device-lab]\nmatch-device=interface-name:eth0;interface-name:wlan0\nmanaged=1\n",
)

# The container has no udev, which dhcpcd would otherwise wait for.
_WITHOUT_UDEV = ("/etc/dhcpcd.conf", "nodev\n")

# What cloud-init makes of Imager's form: the PVS's route and name server are let in.
_CLOUD_INIT_NETPLAN = (
    "/etc/netplan/50-cloud-init.yaml",
    """network:
  version: 2
  renderer: NetworkManager
  ethernets:
    eth0:
      dhcp4: true
      dhcp6: true
      optional: true
    wlan0:
      dhcp4: true
      optional: true
""",
)


def recipe(release: str, backend: str) -> Recipe:
    """The recipe of one image.

    Args:
        release: one of :data:`pvs_lab.options.RELEASES`.
        backend: one of :data:`pvs_lab.options.BACKENDS`.
    """
    files = dict(_FILES)
    if backend == "networkmanager":
        files.update([_MANAGE_VETH])
        if release == "trixie":
            files.update([_CLOUD_INIT_NETPLAN])
    return Recipe(
        release=release,
        backend=backend,
        packages=tuple(sorted(_COMMON + _BACKEND[release, backend])),
        on_offer=_ON_OFFER,
        files=tuple(sorted(files.items())),
        appended=(_WITHOUT_UDEV,) if backend == "dhcpcd" else (),
    )
