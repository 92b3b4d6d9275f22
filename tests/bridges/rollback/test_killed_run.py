"""A run that is killed between a change and its handler leaves the handler to the next run."""

from __future__ import annotations

import pytest
from bridges.rollback.bridge import Bridge

pytestmark = pytest.mark.slow

CHANGE = {"proxy_cache_seconds": 45}
UNAPPLIED = "/var/lib/pvs-bridge/unapplied/*.json"


def test_the_next_run_applies_what_is_written_already(bridge: Bridge) -> None:
    with bridge.running(CHANGE):
        assert bridge.waits_for(UNAPPLIED, there=True)
    bridge.output("bridge", "until grep -q 'Cache 45' /etc/haproxy/haproxy.cfg; do sleep 0.1; done")
    assert "haproxy.cfg" in bridge.output("bridge", f"cat {UNAPPLIED}")
    assert "proxy : Reload or restart haproxy" in bridge.good_run(CHANGE).changed
    assert not bridge.exists(UNAPPLIED)
    assert bridge.good_run(CHANGE).changed == []
    bridge.good_run({})
