"""A Pi in a container whose card is a disk of its own: what is written to it is counted there."""

from __future__ import annotations

from pathlib import Path

from bridges.rollback.bridge import Bridge

from pvs_lab.paths import card_dir

# What Raspberry Pi OS Lite has beside, and starts by the clock.
_PACKAGES = "cron fake-hwclock logrotate man-db"
# The broker is another computer's, so it writes nothing here.
_BROKER = "sed -i 's/^persistence true/persistence false/' /etc/mosquitto/mosquitto.conf"
_VARIABLES = {
    "mqtt_enabled": True,
    "mqtt_host": "127.0.0.1",
    "notify_enabled": True,
    "notify_urls": ["json://192.168.20.10:9999/"],
}
_CARD_MIB = 2000
# The PVS's answers come at once, at noon.
_SIMULATOR = "--simulator=--latency-seconds 0 --clock 2026-06-21T20:00:00Z"
_SECTOR_BYTES = 512
# A machine that is busy takes its time for an update.
_WORK_SECONDS = 600
# Behind a run of Ansible come its connection, for a minute, and systemd's service for host names,
# which was asked and takes its temporary folders off the card when it ends.
_PROVISIONING_GOES_ON = (
    "loginctl --no-legend list-sessions | grep --quiet . || "
    "systemctl is-active --quiet systemd-hostnamed 'user@*'"
)


class CountedPi(Bridge):
    """A lab whose Pi is a bridge."""

    def __init__(self, release: str, backend: str) -> None:
        """Name the lab.

        Args:
            release: Debian's.
            backend: what configures the network.
        """
        super().__init__(f"t-wear-{release}")
        self.release = release
        self.backend = backend

    def up(self) -> None:
        """Bring the lab up, and make its Pi a bridge.

        Raises:
            AssertionError: it failed; why is in the message.
        """
        self.command(
            "up", f"--release={self.release}", f"--backend={self.backend}",
            f"--packages={_PACKAGES} mosquitto", f"--card-mib={_CARD_MIB}", _SIMULATOR,
        )  # fmt: skip
        self.work(f"{_BROKER}; systemctl restart mosquitto")
        self.good_run(_VARIABLES)
        # Its first look, after which it has something to go on.
        self.work("systemctl start pvs-bridge-monitor")
        self.work(f"while {_PROVISIONING_GOES_ON}; do sleep 1; done")

    def work(self, command: str) -> str:
        """What a shell command on the Pi prints that has to succeed, and may take its time.

        Raises:
            AssertionError: it failed; what it printed is in the message.
        """
        status, printed = self.run("bridge", command, timeout_seconds=_WORK_SECONDS)
        assert status == 0, f"{command}: status {status}\n{printed}"  # noqa: S101 - for tests
        return printed

    def written_kib(self) -> float:
        """How much was written to the card so far, all that waits included."""
        self.work("sync --file-system /")
        sectors = int((self._disk() / "stat").read_text().split()[6])
        return sectors * _SECTOR_BYTES / 1024

    def _disk(self) -> Path:
        """The kernel's folder of the disk that is the card."""
        card = str(card_dir(self.name) / "card.ext4")
        files = Path("/sys/block").glob("loop*/loop/backing_file")
        (found,) = (each for each in files if each.read_text().strip() == card)
        return found.parents[1]

    def kib_of(self, command: str) -> float:
        """How much a command has the Pi write."""
        before = self.written_kib()
        self.work(command)
        return self.written_kib() - before
