"""Write the report, remove credentials, and undo an edit that disconnected the Pi."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pvs_bridge.boot_config import (
    layers,
    login,
    overlay,
    playbook,
    redact,
    report_text,
    specs,
    undo,
    uplink,
    wifi_diagnosis,
)
from pvs_bridge.boot_config.apply import ERROR_FILE
from pvs_bridge.boot_config.boot_partition import BootPartition
from pvs_bridge.boot_config.store import Store
from pvs_bridge.host import network
from pvs_bridge.host.overlay import Root
from pvs_bridge.host.version import version

CONNECT_SECONDS = 180.0
_HEALTH_SECONDS = 200
_CLOUD_INIT_SECONDS = 300
_STEP_SECONDS = 2.0
_SLOW_STEP_SECONDS = 15.0

_CONFIGURE = (
    "copy pvs-bridge.example.yml on this boot partition to pvs-bridge.yml, enter the name and the "
    "passphrase of your Wi-Fi, and start the Pi with the card again."
)
_NOT_CONFIGURED = f"The bridge has no home network yet. Hint: {_CONFIGURE}"
_ADD_KEY = (
    f"put your public key into the file {login.KEYS_FILE} on the boot partition, for the user "
    f"{login.DEFAULT_USER}"
)
_NO_LOGIN = f"SSH login is not set up; the bridge works without it. Hint, to log in: {_ADD_KEY}"
_PASSWORD_ONLY = (
    "SSH login is not possible: it needs a key, and only a password was given, which works with a "
    f"screen and a keyboard at the Pi. Hint: {_ADD_KEY}; or give Raspberry Pi Imager your key when "
    "you write the card again; or write sshd_password_login: true into pvs-bridge.yml"
)
_NOT_USABLE = (
    "The bridge has no home network yet, because of what is listed below. Hint: correct it, and "
    "start the Pi with the card again."
)
_DETAILS = ("problem", "hint")
_WAITING = "The bridge is set up and waits for the home network."
_CHECKING = "The bridge is in the home network; its health check is running."


def _to_journal(text: str) -> None:
    print(text, flush=True)


@dataclass
class Reporter:
    """Writes the report, and updates it as more becomes known.

    Attributes:
        partition: The boot partition.
        store: What the Pi has stored.
        project: The folder that has ``roles``.
        root: The Pi's root file system.
        cloud_init_result: cloud-init writes this file after it has created the user.
        error_file: Why the configuration could not be stored at this boot.
        say: Receives what cannot be written to the boot partition.
    """

    partition: BootPartition
    store: Store
    project: Path = playbook.PROJECT
    root: Root = field(default_factory=Root)
    cloud_init_result: Path = redact.CLOUD_INIT_RESULT
    error_file: Path = ERROR_FILE
    say: Callable[[str], None] = _to_journal
    _removed: list[str] = field(default_factory=list)

    def write(self, verdict: str, health: str = "") -> None:
        """Write the report; go on if the boot partition is read-only."""
        if self.error_file.exists():
            verdict = f"{self.error_file.read_text(encoding='utf-8')} {verdict}"
        try:
            self.partition.write(report_text.NAME, report_text.report(self._facts(verdict, health)))
        except OSError as error:
            self.say(f"{report_text.NAME} was not written ({error.strerror}): {verdict}")

    def clean(self, options: Mapping[str, Any]) -> None:
        """Remove the stored credentials from the boot partition."""
        try:
            removed = redact.clean(self.partition, self.store, options, self.cloud_init_result)
        except OSError as error:
            removed = [
                "the secrets stay on the boot partition, because it cannot be written to: "
                f"{error.strerror}"
            ]
        self._removed += [each for each in removed if each not in self._removed]

    @property
    def outcome(self) -> dict[str, Any]:
        """The outcome that ``apply`` stored."""
        return self.store.read("outcome") or {}

    @property
    def variables(self) -> dict[str, Any]:
        """The uplink's variables as they were applied."""
        variables: dict[str, Any] = self.outcome.get("variables") or {"uplink_type": "none"}
        return variables

    def summary(self) -> str:
        """Return a sentence with the number of issues, to follow the verdict; empty for none."""
        count = len(self._rejected())
        if not count:
            return ""
        settings = "1 setting" if count == 1 else f"{count} settings"
        return f" {settings} on the boot partition could not be used; see below."

    def _rejected(self) -> list[str]:
        outcome = self.outcome
        return [*outcome.get("issues", []), *outcome.get("rejected", [])]

    def _facts(self, verdict: str, health: str) -> report_text.Facts:
        configured = layers.from_json(self.store.read("layers"))
        user, notes = self._login()
        undone = self.store.read("undone")
        if undone:
            notes.insert(
                0,
                f"the configuration was edited, but {undone['reason']}, so the previous one is "
                f"active again. See {undo.REJECTED_FILE}; to try again, correct it and rename it "
                "to pvs-bridge.yml",
            )
        now = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        return report_text.Facts(
            verdict=verdict,
            written=f"Written {now} by pvs-bridge {version([self.project])}.".replace(" .", "."),
            hostname=Path("/etc/hostname").read_text(encoding="utf-8").strip(),
            user=user,
            addresses=network.addresses(),
            read=[
                f"{layer.file}: {', '.join(layer.values) or 'no setting'}"
                for name, layer in configured.items()
                if name != layers.COUNTRY
            ],
            rejected=self._rejected(),
            notes=[*notes, *self.outcome.get("notes", []), *self._removed],
            health=health,
        )

    def _login(self) -> tuple[str, list[str]]:
        """Return the user who can log in by SSH, or a note if there is none."""
        form, files = self.outcome.get("user") or {}, self.store.read("login") or {}
        if self.cloud_init_result.exists() and not redact.user_is_created(self.cloud_init_result):
            form = {}
        passwords = (form.get("has_password"), files.get("password_hash"))
        keys = (form.get("has_key"), files.get("keys"))
        applied = (self.store.read("applied") or {}).get("variables", {})
        accepted = (
            zip(keys, passwords, strict=True)
            if applied.get("sshd_password_login")
            else zip(keys, strict=True)
        )
        for name, ways in zip((form.get("name"), files.get("user")), accepted, strict=True):
            if name and any(ways):
                return name, []
        return "", [_PASSWORD_ONLY if any(passwords) else _NO_LOGIN]


def report(
    reporter: Reporter,
    seconds: float = CONNECT_SECONDS,
    check: Callable[[], dict[str, Any]] | None = None,
) -> bool:
    """Write reports until the health check has run.

    Args:
        reporter: Writes the report.
        seconds: The time to reach the home network.
        check: The health check; default :func:`health`.

    Returns:
        whether the Pi has to restart to return to its previous configuration.
    """
    options = specs.load(reporter.project)
    reporter.clean(options)
    variables = reporter.variables
    if variables.get("uplink_type", "wifi") == "none":
        text = _NOT_USABLE if reporter.summary() else _NOT_CONFIGURED
        reporter.write(f"{text}{reporter.summary()}")
        _remove_password(reporter, options, text)
        return False
    reporter.write(f"{_WAITING}{reporter.summary()}")
    if not uplink.wait(variables, seconds):
        text = _disconnected(variables, wifi_diagnosis.reason(variables))
        reporter.write(f"{text}{reporter.summary()}")
        good = undo.earlier(reporter.store)
        if good is not None and reporter.root.locked:
            # The next start, with a root that keeps changes, arrives here again and goes back.
            overlay.unlock(reporter.root)
            return False
        if good is not None:
            try:
                undo.go_back(reporter.partition, reporter.store, good, options)
            except OSError as error:
                reporter.say(f"the previous configuration was not restored: {error}")
            else:
                return True
        # Without a previous configuration, go on: the access point may only be off.
        uplink.wait(variables, float("inf"), _SLOW_STEP_SECONDS)
    _keep(reporter)
    reporter.write(_CHECKING)
    found = (check or health)()
    reporter.clean(options)
    reporter.write(f"{verdict(found)}{reporter.summary()}", str(found.get("text", "")))
    _remove_password(reporter, options, verdict(found), str(found.get("text", "")))
    return False


def health() -> dict[str, Any]:
    """Run the health check.

    Returns:
        its result; only ``text`` if it failed.
    """
    try:
        done = subprocess.run(
            ["pvs-bridge", "health", "--json", "--wait", "30"],
            capture_output=True, text=True, check=False, timeout=_HEALTH_SECONDS,
        )  # fmt: skip
        found: dict[str, Any] = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return {"text": f"the health check failed: {error}"}
    return found


def _keep(reporter: Reporter) -> None:
    try:
        undo.keep(reporter.store)
    except OSError as error:
        reporter.say(f"the working configuration could not be stored: {error}")


def _remove_password(
    reporter: Reporter, options: Mapping[str, Any], text: str, health_text: str = ""
) -> None:
    """Remove the password of Imager's form after cloud-init has created the user."""
    deadline = time.monotonic() + _CLOUD_INIT_SECONDS
    waiting = bool((reporter.outcome.get("user") or {}).get("has_password"))
    while waiting and not reporter.cloud_init_result.exists() and time.monotonic() < deadline:
        time.sleep(_STEP_SECONDS)
    if waiting:
        reporter.clean(options)
        reporter.write(f"{text}{reporter.summary()}", health_text)


def _disconnected(variables: Mapping[str, Any], reason: str) -> str:
    if variables.get("uplink_type") == "ethernet":
        silent = f"no answer on {variables.get('uplink_interface', 'wlan0')}"
        return f"The bridge is not in the home network: {reason or silent}."
    names = report_text.networks(variables)
    return (
        f"The bridge could not join the Wi-Fi {names}: {reason or 'it does not answer'}. It keeps "
        f"trying. Hint, if the name or the passphrase is wrong: {_CONFIGURE}"
    )


def verdict(found: Mapping[str, Any]) -> str:
    """Return the result of the health check as a sentence."""
    if found.get("healthy"):
        return "The bridge works."
    parts = ("The bridge is in the home network, but does not work yet.", *map(found.get, _DETAILS))
    return " ".join(str(each) for each in parts if each)
