"""What the role appliance promises, on a kernel of its own, with a card and a watchdog."""

from __future__ import annotations

from nightly.wear.pi import PATIENCE_SECONDS, WornPi

_BOOT_ID = "cat /proc/sys/kernel/random/boot_id"
_RULES = "/etc/udev/rules.d/80-pvs-bridge.rules"
_WATCHDOG = "/sys/class/watchdog/watchdog0"
_CRASH = "echo c > /proc/sysrq-trigger"


def test_reading_a_file_writes_nothing(bridge: WornPi) -> None:
    options = bridge.work("findmnt --noheadings --output OPTIONS /").strip().split(",")
    assert {"noatime", "lazytime"} <= set(options)
    last_read = "stat --format=%x /etc/hostname"
    before = bridge.work(last_read)
    bridge.work("sleep 1; cat /etc/hostname")
    assert bridge.work(last_read) == before


def test_memory_that_is_short_is_compressed_and_nothing_swaps_to_the_card(bridge: WornPi) -> None:
    (swap,) = bridge.work("swapon --show=NAME,PRIO --noheadings").splitlines()
    assert swap.split() == ["/dev/zram0", "100"]


def test_temporary_files_are_in_memory(bridge: WornPi) -> None:
    assert bridge.work("findmnt --noheadings --output FSTYPE /tmp") == "tmpfs\n"


def test_the_journal_is_in_memory(bridge: WornPi) -> None:
    files = bridge.work("journalctl --header | sed -n 's/^File path: //p'").splitlines()
    assert files
    assert all(each.startswith("/run/log/journal/") for each in files)


def test_the_radio_does_not_sleep(bridge: WornPi) -> None:
    assert bridge.work("iw dev wlan0 get power_save") == "Power save: off\n"


def test_udev_understands_the_rules(bridge: WornPi) -> None:
    bridge.work(f"udevadm verify {_RULES}")


def test_a_kernel_that_hangs_is_restarted_by_the_watchdog(bridge: WornPi) -> None:
    assert bridge.work(f"cat {_WATCHDOG}/state {_WATCHDOG}/timeout") == "active\n14\n"
    # By itself Debian's kernel does not restart where it has come to an end.
    assert bridge.work("cat /proc/sys/kernel/panic") == "0\n"
    before = boot_id(bridge)
    bridge.work(f"systemd-run --on-active=1 sh -c '{_CRASH}'")
    assert bridge.until(lambda: boot_id(bridge) not in ("", before), PATIENCE_SECONDS)
    bridge.is_well()


def boot_id(bridge: WornPi) -> str:
    """What tells this boot of the Pi from others; nothing while it cannot be asked."""
    status, printed = bridge.run("bridge", _BOOT_ID, timeout_seconds=PATIENCE_SECONDS)
    return "" if status else printed
