"""The connection to the broker, by Debian's paho-mqtt: 1.6 on Debian 12, 2.1 on Debian 13.

The service subscribes to its own topics. So it receives the retained messages of its past, and a
message counts as delivered when it has come back: a broker acknowledges also what it drops, because
the user may not write there or because the message is too large (mosquitto, MQTT 3.1.1).
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Sequence
from typing import Any

import paho.mqtt.client as paho

from pvs_bridge.config import MqttConfig
from pvs_bridge.errors import IssueError
from pvs_bridge.mqtt.entities import STATUS
from pvs_bridge.mqtt.messages import OFFLINE, ONLINE, REMOVED, Topics

PATIENCE_SECONDS = 30
"""How long the broker may take for an answer."""

_FAILED = 128
_BAD_LOGIN = {4, 5, 134, 135}
"""The codes of MQTT 3.1.1, and those that paho 2 makes of them."""

_MOST_RETAINED = 4000
_LONGEST_RETAINED = 256 * 1024


class BrokerError(IssueError):
    """The broker cannot be used."""


class Broker:
    """A connection.

    Attributes:
        retained: The retained messages of the bridge's own topics, by topic.
        undelivered: The messages that have not come back yet, by topic.
    """

    def __init__(self, config: MqttConfig, topics: Topics) -> None:
        """Prepare a connection; open() makes it.

        Raises:
            BrokerError: The certificate in the configuration cannot be used.
        """
        self._config, self._topics = config, topics
        self._place = f"{config.host}:{config.port}"
        self._accepted: int | None = None
        self._granted: list[int] | None = None
        self.retained: dict[str, bytes] = {}
        self.undelivered: dict[str, bytes] = {}
        self._progress = 0.0
        self._client = _client(topics.identity)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.will_set(topics.of(STATUS), OFFLINE, qos=1, retain=True)
        if config.user:
            self._client.username_pw_set(config.user, config.password or None)
        if config.tls:
            self._client.tls_set_context(_tls(config.ca))

    def open(self) -> None:
        """Connect, and read the retained messages.

        Raises:
            BrokerError: The broker is absent, refuses, or does not deliver messages.
        """
        self._connect()
        self._wait_until(
            lambda: self._accepted is not None, self._silent("does not answer as MQTT brokers do")
        )
        if self._accepted:
            raise self._refused(self._accepted)
        self._client.subscribe([(each, 1) for each in self._topics.own])
        self._wait_until(
            lambda: self._granted is not None, self._silent("does not answer a subscription")
        )
        if any(code >= _FAILED for code in self._granted or ()):
            raise self._not_delivered(" and ".join(self._topics.own))
        # The broker sends the retained messages before this one comes back.
        status = self._topics.of(STATUS)
        self.publish(status, ONLINE)
        self._wait_until(lambda: not self.undelivered, self._not_delivered(status))

    def publish(self, topic: str, message: bytes) -> None:
        """Publish a retained message; run() sends it and waits for it."""
        if not self.undelivered:
            self._progress = time.monotonic()
        self.undelivered[topic] = message
        self._client.publish(topic, message, qos=1, retain=True)

    def run(self, seconds: float) -> None:
        """Exchange messages for a time.

        Raises:
            BrokerError: The connection is lost, or messages do not come back.
        """
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._client.loop(left):
                raise self._lost()
            # Time since the last one that has come back, because a slow broker is good enough.
            if self.undelivered and time.monotonic() - self._progress > PATIENCE_SECONDS:
                raise self._not_delivered(next(iter(self.undelivered)))

    def forget(self) -> int:
        """Remove every retained message of the bridge, and disconnect.

        Returns:
            the number of messages.

        Raises:
            BrokerError: As run().
        """
        topics = {*self.retained, self._topics.of(STATUS)}
        announced = {each for each in topics if each.startswith(f"{self._topics.discovery}/")}
        # Home Assistant reads the values of a device as long as it is announced.
        for part in (announced, topics - announced):
            for topic in part:
                self.publish(topic, REMOVED)
            while self.undelivered:
                self.run(0.2)
            self.run(1.0)
        # After this, the broker does not publish the last will.
        self._client.disconnect()
        return len(topics)

    def drop(self) -> None:
        """End the connection without a word, so that the broker publishes the last will."""
        connection = self._client.socket()
        if connection is not None:
            connection.close()

    def _connect(self) -> None:
        hint = "Check mqtt_host and mqtt_port, and that the broker runs."
        try:
            self._client.connect(self._config.host, self._config.port, keepalive=PATIENCE_SECONDS)
        except socket.gaierror as error:
            problem = f"The MQTT broker {self._config.host} has no address ({error.strerror})"
            raise BrokerError(problem, hint) from error
        except ssl.SSLCertVerificationError as error:
            problem = f"The certificate of the MQTT broker is not valid ({error.verify_message})"
            hint = (
                "Write the certificate of the authority that has signed it into mqtt_tls_ca; it "
                "must be valid for the name in mqtt_host."
            )
            raise BrokerError(problem, hint) from error
        except ssl.SSLError as error:
            problem = f"The MQTT broker at {self._place} does not speak TLS ({error.reason})"
            raise BrokerError(problem, "Check mqtt_port; most brokers use 8883 for TLS.") from error
        except OSError as error:
            reason = error.strerror or str(error)
            problem = f"The MQTT broker at {self._place} does not answer ({reason})"
            raise BrokerError(problem, hint) from error

    def _wait_until(self, done: Callable[[], bool], error: BrokerError) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while not done():
            if time.monotonic() > end:
                raise error
            if self._client.loop(1.0) and not done():
                raise self._lost()

    def _silent(self, problem: str) -> BrokerError:
        hint = "Check mqtt_port; the broker may be overloaded, or demand TLS."
        return BrokerError(f"The MQTT broker at {self._place} {problem}", hint)

    def _refused(self, code: int) -> BrokerError:
        if code in _BAD_LOGIN:
            problem = f"The MQTT broker at {self._place} refuses the login"
            who = f"of {self._config.user}" if self._config.user else "without a user"
            return BrokerError(f"{problem} {who}", "Check mqtt_user and mqtt_password.")
        problem = f"The MQTT broker at {self._place} refuses the connection (code {code})"
        return BrokerError(problem, "Its log shows the reason.")

    def _lost(self) -> BrokerError:
        return BrokerError(
            f"The MQTT broker at {self._place} closes the connection",
            "Its log shows the reason: it may restart, be full, or demand TLS; or another bridge "
            "has the same uplink_hostname and mqtt_base_topic.",
        )

    def _not_delivered(self, topic: str) -> BrokerError:
        return BrokerError(
            f"The MQTT broker at {self._place} does not deliver {topic}",
            f"Give the user the right to read and write {' and '.join(self._topics.own)}; check "
            "the broker's limits of size and memory.",
        )

    # The callbacks have more arguments in paho 2.

    def _on_connect(self, _c: object, _d: object, _flags: object, code: object, *_: object) -> None:
        self._accepted = _number(code)

    def _on_subscribe(
        self, _c: object, _d: object, _id: object, codes: Sequence[object], *_: object
    ) -> None:
        self._granted = [_number(code) for code in codes]

    def _on_message(self, _c: object, _d: object, message: Any) -> None:  # noqa: ANN401 - paho 1.6 has no types
        topic, payload = message.topic, bytes(message.payload)
        if message.retain:
            if len(payload) <= _LONGEST_RETAINED and len(self.retained) < _MOST_RETAINED:
                self.retained[topic] = payload
        elif self.undelivered.get(topic) == payload:
            del self.undelivered[topic]
            self._progress = time.monotonic()


def _client(identity: str) -> Any:  # noqa: ANN401 - paho 1.6 has no types
    options = {"client_id": identity, "protocol": paho.MQTTv311, "clean_session": True}
    if hasattr(paho, "CallbackAPIVersion"):
        return paho.Client(paho.CallbackAPIVersion.VERSION2, **options)
    return paho.Client(**options)


def _tls(ca: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=ca or None)
    except ssl.SSLError as error:
        problem = f"The certificate cannot be read ({error.reason})"
        raise BrokerError(problem, "Write it to mqtt_tls_ca as PEM.") from error
    # As Python 3.11 and 3.13 differ: certificates that people make lack extensions that the strict
    # rules demand, and a broker's own certificate may take the place of an authority's.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _number(code: object) -> int:
    """Return a code, which is a number in paho 1.6 and a ReasonCode in paho 2."""
    value = getattr(code, "value", code)
    return value if isinstance(value, int) else _FAILED
