"""The contents of a freshly flashed card, per release and backend."""

from __future__ import annotations

import dataclasses

from pvs_lab import radio_card

# On every Raspberry Pi OS Lite: enough to boot, to log in and to run the tests.
_COMMON = (
    "apt", "avahi-daemon", "ca-certificates", "dbus", "init", "iproute2",
    "iputils-ping", "iw", "kmod", "libpam-systemd", "netbase", "openssh-server", "procps",
    "python3", "python3-apt", "rfkill", "sudo", "systemd", "systemd-sysv", "udev",
    "wpasupplicant",
)  # fmt: skip

_BACKEND = {
    ("bookworm", "dhcpcd"): ("dhcpcd", "openresolv"),
    ("trixie", "dhcpcd"): ("dhcpcd", "openresolv"),
    ("bookworm", "networkmanager"): ("network-manager",),
    # Raspberry Pi OS Trixie puts netplan in front of NetworkManager.
    ("trixie", "networkmanager"): ("network-manager", "netplan.io"),
}

# The lab's package server offers what the roles install, which is not on the card. It also offers
# the other backend.
_ON_OFFER = (
    "ansible-core", "apprise", "dnsmasq", "haproxy", "nftables", "python3-aiohttp",
    "python3-paho-mqtt", "systemd-timesyncd", "unattended-upgrades",
)  # fmt: skip
_OTHER = {"networkmanager": "dhcpcd", "dhcpcd": "networkmanager"}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything that decides the contents of an image; a changed recipe is another image.

    Attributes:
        release: Debian release.
        backend: network backend.
        packages: Debian packages on the card.
        on_offer: packages, with what they depend on, that the lab's package server has.
        files: path inside the image to its text.
        is_card: whether a Pi boots from it and its user pi logs in; else it only holds programs.
        early_files: as ``files``, but there before the packages are.
        links: path inside the image to where this symbolic link leads.
    """

    release: str
    backend: str
    packages: tuple[str, ...]
    on_offer: tuple[str, ...]
    files: tuple[tuple[str, str], ...]
    is_card: bool = True
    early_files: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()

    def description(self) -> dict[str, object]:
        """Return what identifies the image; fields with their default value are left out."""
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

# The container has no udev, and dhcpcd waits for udev without --nodev.
_WITHOUT_UDEV = (
    "/etc/systemd/system/dhcpcd.service.d/lab-without-udev.conf",
    "[Service]\nExecStart=\nExecStart=/usr/sbin/dhcpcd -q -b --nodev\n",
)

# What cloud-init writes for Imager's form: it accepts the PVS's route and name server.
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


def recipe(
    release: str, backend: str, *, radio: bool = False, more_packages: tuple[str, ...] = ()
) -> Recipe:
    """The recipe of one image.

    Args:
        release: one of :data:`pvs_lab.options.RELEASES`.
        backend: one of :data:`pvs_lab.options.BACKENDS`.
        radio: whether it is the card of a Pi with a radio, which has a kernel of its own.
        more_packages: Debian packages that are on the card beside the usual ones.
    """
    packages = tuple({*_COMMON, *_BACKEND[release, backend], *more_packages})
    if radio:
        return Recipe(
            release=release,
            backend=backend,
            packages=tuple(sorted(packages + radio_card.PACKAGES)),
            on_offer=_ON_OFFER,
            files=tuple(sorted({**_FILES, **radio_card.files(release, backend)}.items())),
            early_files=radio_card.EARLY_FILES,
            links=tuple(sorted(radio_card.links(backend).items())),
        )
    files = dict([*_FILES.items(), _WITHOUT_UDEV])
    # Raspberry Pi OS Trixie comes with cloud-init, which writes for netplan.
    if (release, backend) == ("trixie", "networkmanager"):
        files.update([_CLOUD_INIT_NETPLAN])
    return Recipe(
        release=release,
        backend=backend,
        packages=tuple(sorted(packages)),
        on_offer=_ON_OFFER + _BACKEND[release, _OTHER[backend]],
        files=tuple(sorted(files.items())),
    )
