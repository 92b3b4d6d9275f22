"""Rules for the MQTT broker.

No message contains the password.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import Issue
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import (
    Rule,
    Values,
    parse_address,
)

# Labels of RFC 1123; an underscore is common in the names of containers.
_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*", re.ASCII)
_TOPIC = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*", re.ASCII)
_LONGEST_NAME, _LONGEST_TOPIC, _LONGEST_LOGIN = 253, 64, 256


def check_host(values: Values) -> Iterator[Issue]:
    """Without a broker, there is nothing to connect to."""
    host = values.text("mqtt_host")
    hint = "write a name or an address, such as homeassistant.local or 192.168.1.5"
    if not host:
        if values.get("mqtt_enabled") and not values.is_wrong("mqtt_host"):
            problem = "must be the MQTT broker, because mqtt_enabled is true"
            yield Issue.at(("mqtt_host",), problem, hint)
    elif parse_address(host) is None and not (_NAME.fullmatch(host) and len(host) <= _LONGEST_NAME):
        extra = "; the port belongs into mqtt_port" if ":" in host else ""
        yield Issue.at(
            ("mqtt_host",), f"must be a host name or an address, got {host!r}", f"{hint}{extra}"
        )
    elif (
        host.lower().endswith(".local")
        and values.get("mqtt_enabled")
        and values.get("uplink_mdns") is False
    ):
        hint = "remove uplink_mdns, or set mqtt_host to an address"
        problem = "must be true, because mqtt_host is a name in .local"
        yield Issue.at(("uplink_mdns",), problem, hint)


def check_monitor(values: Values) -> Iterator[Issue]:
    """The MQTT service publishes the results of the monitor and reads nothing itself."""
    if values.get("mqtt_enabled") and values.get("monitor_enabled") is False:
        yield Issue.at(
            ("mqtt_enabled",),
            "needs monitor_enabled, because it publishes the monitor's results",
            "set that to true, or mqtt_enabled to false",
        )


def check_login(values: Values) -> Iterator[Issue]:
    """MQTT has no password without a user (3.1.1, 3.1.2.9)."""
    for name in ("mqtt_user", "mqtt_password"):
        text = values.text(name)
        if not text.isprintable() or len(text) > _LONGEST_LOGIN:
            problem = f"must consist of at most {_LONGEST_LOGIN} printable characters"
            yield Issue.at((name,), problem, "copy it from the settings of the broker")
    if values.text("mqtt_password") and not values.text("mqtt_user"):
        wrong = values.is_wrong("mqtt_user")
        if not wrong:
            hint = "set mqtt_user, or remove mqtt_password"
            yield Issue.at(("mqtt_user",), "must be set with mqtt_password", hint)


def check_topics(values: Values) -> Iterator[Issue]:
    """A wildcard cannot be published to, and Home Assistant makes identities of the topics."""
    for name in ("mqtt_base_topic", "mqtt_discovery_prefix"):
        topic = values.get(name)
        if not isinstance(topic, str):
            continue
        if not _TOPIC.fullmatch(topic) or len(topic) > _LONGEST_TOPIC:
            yield Issue.at(
                (name,),
                f"must be at most {_LONGEST_TOPIC} letters, digits, _ and - in levels with / "
                f"between them, got {topic!r}",
                "such as home/solar",
            )


def check_ca(values: Values) -> Iterator[Issue]:
    """A certificate is for TLS only, and the file of a key is a common mistake."""
    name = "mqtt_tls_ca"
    ca = values.text(name)
    if not ca:
        return
    if not _is_certificate(ca):
        yield Issue.at(
            (name,),
            "must be a certificate as PEM, without a key",
            "write the text of the file with all its lines after |, or use lookup('file', ...)",
        )
    elif not values.get("mqtt_tls_enabled"):
        hint = f"set mqtt_tls_enabled: true, or remove {name}"
        yield Issue.at((name,), "is not used while mqtt_tls_enabled is false", hint)


def _is_certificate(text: str) -> bool:
    """Return whether the service on the Pi can read it, which uses the same library."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError):
        return False
    return "PRIVATE KEY" not in text


RULES: tuple[Rule, ...] = (check_host, check_monitor, check_login, check_topics, check_ca)
