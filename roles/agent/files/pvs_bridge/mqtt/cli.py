"""pvs-bridge mqtt: publish the plant and the bridge's health to a broker."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pvs_bridge.config import FOLDER, ConfigError, MqttConfig, read_config
from pvs_bridge.host.paths import MQTT_ISSUE
from pvs_bridge.mqtt.broker import BrokerError
from pvs_bridge.mqtt.live import LivePower
from pvs_bridge.mqtt.report import Report
from pvs_bridge.mqtt.service import Service, connected
from pvs_bridge.status.document import Documents, Sources

FAILED, USAGE = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Publish until stopped, and return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        config = read_config(options.config, MqttConfig)
        if options.forget:
            with connected(config) as broker:
                print(f"removed {broker.forget()} messages of this bridge from the broker")
            return 0
    except (ConfigError, BrokerError) as error:
        print(f"pvs-bridge mqtt: {error}", file=sys.stderr)
        return USAGE if isinstance(error, ConfigError) else FAILED
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    report = Report(options.report, lambda text: print(text, flush=True), time.monotonic)
    sources = Sources(options.state, options.events)
    live = LivePower(options.live_port) if options.live_port else None
    if live:
        live.start()
    Service(config, Documents(sources), options.state, report, live).run()
    return 0


def _parser() -> argparse.ArgumentParser:
    known = Sources()
    parser = argparse.ArgumentParser(prog="pvs-bridge mqtt", description=__doc__)
    parser.add_argument("--config", type=Path, default=FOLDER / "mqtt.json", metavar="FILE")
    parser.add_argument("--state", type=Path, default=known.state, metavar="FILE")
    parser.add_argument("--events", type=Path, default=known.events, metavar="FILE")
    parser.add_argument("--report", type=Path, default=Path("/") / MQTT_ISSUE, metavar="FILE")
    parser.add_argument(
        "--live-port", type=int, metavar="PORT", help="haproxy's port, if it has live data"
    )
    parser.add_argument(
        "--forget",
        action="store_true",
        help="remove the bridge's messages from the broker, and with them its devices from Home "
        "Assistant",
    )
    return parser
