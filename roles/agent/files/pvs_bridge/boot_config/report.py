"""Say on the FAT partition how it went, take credentials from it, go back where it went wrong."""

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
from pvs_bridge.boot_config.apply import TROUBLE, version
from pvs_bridge.boot_config.boot_partition import BootPartition
from pvs_bridge.boot_config.store import Store
from pvs_bridge.host import network

WAY_HOME_SECONDS = 180.0
_HEALTH_SECONDS = 200
_CLOUD_INIT_SECONDS = 300
_STEP_SECONDS = 2.0
_SELDOM_SECONDS = 15.0

_DESCRIBE = (
    "copy pvs-bridge.example.yml on this card to pvs-bridge.yml, put your Wi-Fi's name and "
    "passphrase in, and start the Pi with the card again."
)
_NO_WAY_HOME = f"The bridge has no way home yet. Hint: {_DESCRIBE}"
_LET_IN = (
    f"put your public key into the file {login.KEYS_FILE} on the card, for the user "
    f"{login.DEFAULT_USER}"
)
_NOBODY = f"nobody can log in, which the bridge does not need. Hint, to log in by SSH: {_LET_IN}"
_KEYS_ALONE = (
    "nobody can log in by SSH: it takes a key, and only a password was given, which is for a "
    f"screen and a keyboard at the Pi. Hint: {_LET_IN}; or give Raspberry Pi Imager your key when "
    "you write the card anew; or write sshd_password_login: true into pvs-bridge.yml"
)
_WHY = ("problem", "hint")
_WAITING = "The bridge is set up and waits for the home network."


def _to_journal(text: str) -> None:
    print(text, flush=True)


@dataclass
class Reporter:
    """Writes the report, first what is known and then more.

    Attributes:
        partition: the FAT partition.
        store: what the Pi keeps.
        project: where the roles are.
        cloud_init_result: what cloud-init says when it has made the user.
        trouble: says why nothing could be stored, where that was so at this boot.
        say: told what cannot be written on the card.
    """

    partition: BootPartition
    store: Store
    project: Path = playbook.PROJECT
    cloud_init_result: Path = redact.CLOUD_INIT_RESULT
    trouble: Path = TROUBLE
    say: Callable[[str], None] = _to_journal
    _removed: list[str] = field(default_factory=list)

    def write(self, verdict: str, health: str = "") -> None:
        """Write the report; a card that cannot be written to holds nothing up."""
        if self.trouble.exists():
            verdict = f"{self.trouble.read_text(encoding='utf-8')} {verdict}"
        try:
            self.partition.write(report_text.NAME, report_text.report(self._facts(verdict, health)))
        except OSError as error:
            self.say(f"{report_text.NAME} was not written ({error.strerror}): {verdict}")

    def clean(self, options: Mapping[str, Any]) -> None:
        """Take the credentials from the partition."""
        try:
            said = redact.clean(self.partition, self.store, options, self.cloud_init_result)
        except OSError as error:
            said = [f"secrets stay on the card, which cannot be written to: {error.strerror}"]
        self._removed += [each for each in said if each not in self._removed]

    @property
    def outcome(self) -> dict[str, Any]:
        """What applying the card has left word of."""
        return self.store.read("outcome") or {}

    @property
    def variables(self) -> dict[str, Any]:
        """The uplink's variables as they were applied."""
        variables: dict[str, Any] = self.outcome.get("variables") or {"uplink_type": "none"}
        return variables

    def flaws(self) -> str:
        """Say, behind the verdict, how much was left out."""
        count = len(self._left_out())
        if not count:
            return ""
        things = "One thing" if count == 1 else f"{count} things"
        return f" {things} on the card could not be used; see below."

    def _left_out(self) -> list[str]:
        outcome = self.outcome
        return [*outcome.get("mistakes", []), *outcome.get("left_out", [])]

    def _facts(self, verdict: str, health: str) -> report_text.Facts:
        described = layers.from_json(self.store.read("layers"))
        user, notes = self._who()
        undone = self.store.read("undone")
        if undone:
            notes.insert(
                0,
                f"the card was edited, but {undone['reason']}: what it said before counts again. "
                f"See {undo.REJECTED_FILE}; to try again, correct it and call it pvs-bridge.yml",
            )
        now = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        return report_text.Facts(
            verdict=verdict,
            written=f"Written {now} by pvs-bridge {version(self.project)}.".replace(" .", "."),
            hostname=Path("/etc/hostname").read_text(encoding="utf-8").strip(),
            user=user,
            addresses=network.addresses(),
            read=[
                f"{layer.file}: {', '.join(layer.values) or 'nothing that counts'}"
                for name, layer in described.items()
                if name != layers.COUNTRY
            ],
            left_out=self._left_out(),
            notes=[*notes, *self.outcome.get("notes", []), *self._removed],
            health=health,
        )

    def _who(self) -> tuple[str, list[str]]:
        """Name who logs in by SSH, and say what is to be said where nobody does."""
        form, old = self.outcome.get("user") or {}, self.store.read("login") or {}
        passwords = (form.get("has_password"), old.get("password_hash"))
        keys = (form.get("has_key"), old.get("keys"))
        applied = (self.store.read("applied") or {}).get("variables", {})
        let_in = (
            zip(keys, passwords, strict=False) if applied.get("sshd_password_login") else zip(keys)
        )
        for name, ways in zip((form.get("name"), old.get("user")), let_in, strict=False):
            if name and any(ways):
                return name, []
        return "", [_KEYS_ALONE if any(passwords) else _NOBODY]


def report(
    reporter: Reporter,
    seconds: float = WAY_HOME_SECONDS,
    check: Callable[[], dict[str, Any]] | None = None,
) -> bool:
    """Report from the boot's end to the health check's answer.

    Args:
        reporter: writes.
        seconds: how long the way home may take.
        check: the health check; :func:`health`.

    Returns:
        whether the Pi has to boot again, to go back to what its card said before.
    """
    options = specs.load(reporter.project)
    reporter.clean(options)
    variables = reporter.variables
    if variables.get("uplink_type", "wifi") == "none":
        reporter.write(f"{_NO_WAY_HOME}{reporter.flaws()}")
        _settle(reporter, options, _NO_WAY_HOME)
        return False
    reporter.write(f"{_WAITING}{reporter.flaws()}")
    if not uplink.wait(variables, seconds):
        reporter.write(f"{_lost(variables, wifi_diagnosis.reason(variables))}{reporter.flaws()}")
        good = undo.earlier(reporter.store)
        if good is not None and overlay.is_locked():
            # The next start, whose root keeps it, comes to the same and goes back.
            overlay.unlock()
            return False
        if good is not None:
            try:
                undo.go_back(reporter.partition, reporter.store, good, options)
            except OSError as error:
                reporter.say(f"the earlier description was not put back: {error}")
            else:
                return True
        # Nothing to go back to: the access point may only be off, and everything goes on trying.
        uplink.wait(variables, float("inf"), _SELDOM_SECONDS)
    _keep(reporter)
    reporter.write("The bridge is in the home network; its health is being checked.")
    found = (check or health)()
    reporter.clean(options)
    reporter.write(f"{verdict(found)}{reporter.flaws()}", str(found.get("text", "")))
    _settle(reporter, options, verdict(found), str(found.get("text", "")))
    return False


def health() -> dict[str, Any]:
    """Run the health check; what it says, ``text`` alone where it says nothing that is known."""
    try:
        done = subprocess.run(
            ["pvs-bridge", "health", "--json", "--wait", "30"],
            capture_output=True, text=True, check=False, timeout=_HEALTH_SECONDS,
        )  # fmt: skip
        found: dict[str, Any] = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return {"text": f"the health check did not end: {error}"}
    return found


def _keep(reporter: Reporter) -> None:
    try:
        undo.keep(reporter.store)
    except OSError as error:
        reporter.say(f"that the network was reached could not be stored: {error}")


def _settle(
    reporter: Reporter, options: Mapping[str, Any], said: str, health_text: str = ""
) -> None:
    """Take the password of Imager's form from the card once cloud-init has made the user of it."""
    deadline = time.monotonic() + _CLOUD_INIT_SECONDS
    waiting = bool((reporter.outcome.get("user") or {}).get("has_password"))
    while waiting and not reporter.cloud_init_result.exists() and time.monotonic() < deadline:
        time.sleep(_STEP_SECONDS)
    if waiting:
        reporter.clean(options)
        reporter.write(f"{said}{reporter.flaws()}", health_text)


def _lost(variables: Mapping[str, Any], reason: str) -> str:
    if variables.get("uplink_type") == "ethernet":
        silent = f"no answer at the cable {variables.get('uplink_interface', 'wlan0')}"
        return f"The bridge is not in the home network: {reason or silent}."
    names = report_text.networks(variables)
    return (
        f"The bridge could not join the Wi-Fi {names}: {reason or 'it does not answer'}. It goes "
        f"on trying. Hint, where the name or the passphrase is wrong: {_DESCRIBE}"
    )


def verdict(found: Mapping[str, Any]) -> str:
    """Say in a sentence what the health check has found."""
    if found.get("healthy"):
        return "The bridge works."
    said = ("The bridge is in the home network, but does not work yet.", *map(found.get, _WHY))
    return " ".join(str(each) for each in said if each)
