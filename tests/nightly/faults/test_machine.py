"""What goes wrong with the Pi itself."""

from __future__ import annotations

import time

import pytest
from nightly.faults.conftest import Fault
from nightly.faults.home import Home

_JOURNAL_MIB = 32
_FLOOD = "systemd-run --quiet --unit=flood-{} yes 'a program that has lost its mind'"
_FILL = "for size in 1M 4k; do dd if=/dev/zero of=/var/full-$size bs=$size; done"
_EATER = 'hold = []\nwhile True: hold.append(b"x" * (4 << 20))'
# More than the lab needs; a program in the lab takes all of the rest.
_LEFT_MIB = 48


def test_a_journal_that_is_flooded(home: Home, fault: Fault) -> None:
    with fault("journal flooded for 20 s"):
        home.output("bridge", " && ".join(_FLOOD.format(number) for number in range(2)))
        time.sleep(20)
        home.output("bridge", "systemctl is-active flood-0 flood-1 && systemctl stop 'flood-*'")
    kib = int(home.output("bridge", "du --summarize --block-size=1K /run/log/journal").split()[0])
    assert kib <= _JOURNAL_MIB * 1024


@pytest.mark.core
def test_a_card_that_is_full(home: Home, fault: Fault) -> None:
    # It has a place to write to, as on each Pi that has been on for a minute.
    home.output("bridge", "systemctl start pvs-bridge-monitor.service")
    with fault("card full"):
        try:
            assert "No space left" in home.run("bridge", _FILL)[1]
            # Everything that would like to write is needed.
            with home.cable_out("pvs"):
                time.sleep(2)
            home.output("bridge", "systemctl restart haproxy")
            assert home.until(home.is_well, 30)
            home.output("bridge", "systemctl start pvs-bridge-monitor.service")
            assert "card" in [each["name"] for each in home.page()["warnings"]]
        finally:
            home.output("bridge", "rm /var/full-*")


def test_a_clock_that_starts_in_1970(home: Home, fault: Fault) -> None:
    year = "systemd-run --quiet --pipe --wait date +%Y"
    with home.own_clock() as set_clock, fault("clock in 1970 at a boot"):
        set_clock(-time.time())
        home.reboot()
        # The PVS's answers are of use before the time is known.
        assert home.until(home.is_well, 60)
        assert home.output("bridge", year) in ("1969\n", "1970\n")
        home.output("bridge", "systemctl start pvs-bridge-monitor.service")
        page = home.page()
        assert (page["healthy"], page["time"]) == (True, None)
        set_clock(0)
    home.output("bridge", "systemctl start pvs-bridge-monitor.service")
    assert abs(home.page()["time"] - time.time()) < 60


def test_memory_that_is_short(home: Home, fault: Fault) -> None:
    again = "--property=Restart=always --property=StartLimitIntervalSec=0 --collect"
    eater = f"systemd-run --quiet --unit=eater {again} python3 -c '{_EATER}'"
    with fault("memory all taken for 30 s"), home.memory_left(_LEFT_MIB):
        home.output("bridge", eater)
        time.sleep(30)
        killed = home.output("bridge", "systemctl show --property=NRestarts --value eater")
        home.output("bridge", "systemctl stop eater")
    assert int(killed) > 0
