"""The service: publishes what the monitor has found, whatever the broker does."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pvs_bridge.config import MqttConfig
from pvs_bridge.mqtt.broker import Broker, BrokerError
from pvs_bridge.mqtt.entities import PLANT
from pvs_bridge.mqtt.live import LivePower, with_live
from pvs_bridge.mqtt.messages import REMOVED, Publisher, topics_of
from pvs_bridge.mqtt.report import Report
from pvs_bridge.status.document import Documents

POLL_SECONDS = 3.0
"""How often the service looks whether the monitor has run."""

LIVE_SECONDS = 1.0
"""The same while there are live data."""

DOCUMENT_SECONDS = 60.0
"""How often it looks at the document otherwise: a reading grows old without a run."""

REFRESH_SECONDS = 300.0
"""How often an unchanged message is published, so that it does not expire."""

_LONGEST_PAUSE_SECONDS = 60.0


@dataclass
class Service:
    """Keeps the broker up to date.

    Attributes:
        config: The broker.
        documents: Makes the status document.
        state: The file that changes with each run of the monitor.
        report: Takes what is wrong.
        live: Tells the powers of each second; None without live data.
        sleep: Waits for a number of seconds.
    """

    config: MqttConfig
    documents: Documents
    state: Path
    report: Report
    live: LivePower | None = None
    sleep: Callable[[float], None] = time.sleep

    def run(self) -> None:
        """Publish for ever."""
        publisher = Publisher(topics_of(self.config), self.config)
        pause = 1.0
        while True:
            try:
                with connected(self.config) as broker:
                    pause = 1.0
                    publisher.load(broker.retained)
                    self._publish(broker, publisher)
            except BrokerError as error:
                self.report.failed(error.issue)
            self.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _publish(self, broker: Broker, publisher: Publisher) -> None:
        """Publish until the connection breaks.

        Raises:
            BrokerError: It breaks.
        """
        topics = publisher.topics
        sent: dict[str, tuple[bytes, float]] = {}
        wanted: dict[str, bytes] = {}
        made, stamp = 0.0, None
        works = False
        while True:
            now, changed = time.monotonic(), _stamp(self.state)
            # A panel is removed in two steps.
            removing = REMOVED in wanted.values()
            if not wanted or removing or changed != stamp or now - made >= DOCUMENT_SECONDS:
                made, stamp = now, changed
                wanted = publisher.messages(self._document())
            power = self.live.power if self.live else {}
            for topic, message in with_live(wanted, topics.of(PLANT), power):
                before, at = sent.get(topic, (None, now))
                # A slow broker gets the newest message when it has taken the one before.
                if topic not in broker.undelivered and (
                    message != before or now - at >= REFRESH_SECONDS
                ):
                    sent[topic] = (message, now)
                    publisher.retained[topic] = message
                    broker.publish(topic, message)
            broker.run(LIVE_SECONDS if power else POLL_SECONDS)
            if not works and not broker.undelivered:
                works = True
                self.report.works()

    def _document(self) -> dict[str, Any]:
        return self.documents.make(time.clock_gettime(time.CLOCK_BOOTTIME), time.time())


@contextlib.contextmanager
def connected(config: MqttConfig) -> Iterator[Broker]:
    """Connect to the broker until the end of the block.

    Raises:
        BrokerError: The broker cannot be used.
    """
    broker = Broker(config, topics_of(config))
    try:
        broker.open()
        yield broker
    finally:
        broker.drop()


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
