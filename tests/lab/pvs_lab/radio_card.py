"""What the card of a Pi with a radio contains in addition to the usual card.

Raspberry Pi Imager has put the home's Wi-Fi on the card, so the Pi joins that network at its first
boot. The card also contains the lab's access points, which are not part of the Pi: see
``card_files``.
"""

from __future__ import annotations

from pathlib import Path

from pvs_lab.access_point import Network

# The network that the card knows.
HOME_SSID = "Lab at home"
HOME_PASSPHRASE = "the network of the lab"  # noqa: S105 - used only in the lab
HOME = Network(HOME_SSID.encode(), passphrase=HOME_PASSPHRASE.encode())

# The kernel gives it to the first radio that it simulates.
RADIO_MAC = "02:00:00:00:00:00"

_FILES = Path(__file__).with_name("card_files")

PACKAGES = (
    "hostapd", "initramfs-tools", "linux-image-amd64", "qemu-guest-agent", "wireless-regdb",
)  # fmt: skip

# Read while the kernel's package is installed: an initrd of these modules alone boots in half the
# time.
EARLY_FILES = (
    ("/etc/initramfs-tools/conf.d/lab", "MODULES=list\n"),
    ("/usr/share/initramfs-tools/modules.d/lab", "virtio_pci\nvirtio_blk\nvirtio_net\next4\n"),
)

# What Imager makes of its form up to Bookworm.
_PRECONFIGURED = f"""[connection]
id=preconfigured
uuid=7b9a4c4e-1f0d-4b53-9d0c-52f3a7d2c1e0
type=wifi

[wifi]
mode=infrastructure
ssid={HOME_SSID}

[wifi-security]
key-mgmt=wpa-psk
psk={HOME_PASSPHRASE}

[ipv4]
method=auto

[ipv6]
method=auto
"""

# And since Trixie, by way of cloud-init: the PVS's route and name server are let in.
_CLOUD_INIT_NETPLAN = f"""network:
  version: 2
  renderer: NetworkManager
  ethernets:
    eth0:
      dhcp4: true
      dhcp6: true
      optional: true
  wifis:
    wlan0:
      dhcp4: true
      optional: true
      access-points:
        "{HOME_SSID}":
          password: "{HOME_PASSPHRASE}"
"""

_WPA_SUPPLICANT = f"""ctrl_interface=DIR=/run/wpa_supplicant GROUP=netdev
update_config=1

network={{
	ssid="{HOME_SSID}"
	psk="{HOME_PASSPHRASE}"
}}
"""


def files(release: str, backend: str) -> dict[str, str]:
    """The files of the card: path to text.

    Args:
        release: one of :data:`pvs_lab.options.RELEASES`.
        backend: one of :data:`pvs_lab.options.BACKENDS`.
    """
    found = {
        f"/{path.relative_to(_FILES)}": path.read_text()
        for path in sorted(_FILES.rglob("*"))
        if path.is_file()
    }
    found["/etc/fstab"] = "/dev/vda / ext4 defaults,noatime 0 0\n"
    found["/var/lib/pvs-bridge-lab/ap-1.conf"] = HOME.hostapd_conf("wlan1").decode()
    if (release, backend) == ("trixie", "networkmanager"):
        found["/etc/netplan/50-cloud-init.yaml"] = _CLOUD_INIT_NETPLAN
    elif backend == "networkmanager":
        profiles = "/etc/NetworkManager/system-connections"
        found[f"{profiles}/preconfigured.nmconnection"] = _PRECONFIGURED
    else:
        # The sandbox of Debian's dhcpcd.service does not let dhcpcd start wpa_supplicant.
        found["/etc/wpa_supplicant/wpa_supplicant-wlan0.conf"] = _WPA_SUPPLICANT
    return found


def links(backend: str) -> dict[str, str]:
    """The symbolic links of the card: path to where it leads; each enables a unit.

    Args:
        backend: one of :data:`pvs_lab.options.BACKENDS`.
    """
    units = "/etc/systemd/system"
    found = {
        f"{units}/sysinit.target.wants/pvs-bridge-lab-air.service": (
            f"{units}/pvs-bridge-lab-air.service"
        ),
        **{
            f"{units}/multi-user.target.wants/pvs-bridge-lab-ap@{number}.service": (
                f"{units}/pvs-bridge-lab-ap@.service"
            )
            for number in (1, 2)
        },
    }
    if backend == "dhcpcd":
        found[f"{units}/multi-user.target.wants/wpa_supplicant@wlan0.service"] = (
            "/lib/systemd/system/wpa_supplicant@.service"
        )
    return found
