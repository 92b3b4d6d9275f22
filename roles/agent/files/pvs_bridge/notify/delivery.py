"""Send messages by Debian's apprise. Nothing that it says shows a part of a URL."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import apprise

from pvs_bridge.errors import Issue, Location
from pvs_bridge.notify import events
from pvs_bridge.notify.outbox import Text
from pvs_bridge.notify.redact import redact

VARIABLE = "notify_urls"
_TYPES = {
    events.BROKEN: apprise.NotifyType.FAILURE,
    events.RECOVERED: apprise.NotifyType.SUCCESS,
    events.WARNING: apprise.NotifyType.WARNING,
}


@dataclass(frozen=True)
class Target:
    """A URL that apprise can use.

    Attributes:
        position: The place of its URL in the list.
        name: The variable and the service, such as ``notify_urls[0] (ntfy)``.
        url: The URL; a secret.
        plugin: apprise's object for it.
    """

    position: int
    name: str
    url: str
    plugin: Any

    def send(self, text: Text, kind: str) -> str | None:
        """Send a message; it may take some seconds.

        Args:
            text: The message.
            kind: One of the kinds in :mod:`pvs_bridge.notify.events`.

        Returns:
            the error, without any part of the URL; None if the service has accepted the message.
        """
        with _Listener() as said:
            # An error of one plugin must not stop the others.
            try:
                sent = self.plugin.notify(
                    body=text.body,
                    title=text.title,
                    notify_type=_TYPES.get(kind, apprise.NotifyType.INFO),
                )
            except Exception as error:
                return redact(f"{type(error).__name__}: {error}", self.url)
        if sent:
            return None
        return redact(said.last or "apprise gives no reason", self.url)


def read_urls(path: Path) -> list[str]:
    """Read the URLs, one a line.

    Raises:
        OSError: The file cannot be read.
    """
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def load(urls: Sequence[str]) -> tuple[list[Target], list[Issue]]:
    """Return the usable URLs, and what is wrong with the others, without showing them."""
    asset = apprise.AppriseAsset(app_id="pvs-bridge", app_desc="PVS bridge", async_mode=False)
    targets, issues = [], []
    for position, url in enumerate(urls):
        name = f"{VARIABLE}[{position}]"
        with _Listener() as said:
            try:
                plugin = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
            except Exception:
                plugin = None
        if plugin is None or not getattr(plugin, "enabled", True):
            reason = f": {redact(said.last, url)}" if said.last else ""
            issues.append(
                Issue(
                    f"must be a URL that this system's apprise {apprise.__version__} can use"
                    f"{reason}",
                    "https://github.com/caronc/apprise/wiki shows the URL of each service",
                    Location(variable=name),
                )
            )
            continue
        scheme = url.partition("://")[0].lower()
        targets.append(Target(position, f"{name} ({scheme})", url, plugin))
    return targets, issues


class _Listener(logging.Handler):
    """Keeps what apprise logs from every other log, and remembers its last line."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""
        self._logger = logging.getLogger("apprise")

    def emit(self, record: logging.LogRecord) -> None:
        """Remember a line; details follow at lower levels."""
        self.last = record.getMessage()

    def __enter__(self) -> Self:
        """Listen."""
        self._logger.propagate = False
        self._logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening."""
        self._logger.removeHandler(self)
