"""The action plugin of ``pvs_bridge.core.commit_confirm``; see the module of the same name."""

from __future__ import annotations

import json
import shlex
import subprocess
import time
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.plugins.connection.local import Connection as LocalConnection
from ansible.plugins.loader import connection_loader
from ansible.utils.display import Display

PROGRAM = "/usr/local/bin/pvs-bridge rollback"

# One attempt to connect, and the pause between two.
_ATTEMPT_SECONDS = 5
_PAUSE_SECONDS = 0.5
# The host has just answered at another address, so it is not slow.
_SECOND_LOOK_SECONDS = 2
# The host waits before it starts the change; an earlier connection would break.
_BEGIN_SECONDS = 3
# Detects within three seconds that the change has broken the connection.
_ALIVE = "-o ServerAliveInterval=1 -o ServerAliveCountMax=3"
# Time for the host to undo the change after its timeout.
_UNDO_SECONDS = 120
# States of a host that has no change to confirm.
_LOST = {
    "armed": "has not started the change of its network, because the connection broke before",
    "nothing": "has no record of this change",
}

_display = Display()


class ActionModule(ActionBase):
    """Changes a host's network, and confirms the change over the new network."""

    TRANSFERS_FILES = False
    _supports_async = False
    _supports_check_mode = True
    _connection: Any

    def run(
        self,
        tmp: str | None = None,
        task_vars: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Carry out the change and confirm it.

        Args:
            tmp: not used, as in every current action plugin.
            task_vars: the host's variables.

        Returns:
            the task's result: the address of the host, or what was undone.
        """
        task_vars = task_vars or {}
        super().run(tmp, task_vars)
        _, arguments = self.validate_argument_spec(
            {
                "id": {"type": "str", "required": True},
                "script": {"type": "str", "required": True},
                "addresses": {"type": "list", "elements": "str", "default": []},
                "interface": {"type": "str", "required": True},
                "timeout_seconds": {"type": "int", "required": True},
            }
        )
        if self._task.check_mode:
            return {"changed": False, "skipped": True}
        started = time.monotonic()
        try:
            begun = self._low_level_execute_command(
                f"{PROGRAM} apply --id {arguments['id']}", in_data=arguments["script"].encode()
            )
        except AnsibleConnectionFailure as error:
            # The change may have broken the connection before the answer arrived.
            _display.vvv(f"at the start of the change: {error}")
        else:
            if begun["rc"] != 0:
                return {"failed": True, "msg": (begun["stdout"] + begun["stderr"]).strip()}
        if isinstance(self._connection, LocalConnection):
            result = self._confirm_here(arguments)
        else:
            # Only a new connection proves that the new network works.
            self._connection.reset()
            result = self._confirm(arguments, task_vars)
        result["seconds"] = round(time.monotonic() - started, 1)
        return result

    def _confirm_here(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Wait on the host itself until the home's router answers, or the change is undone."""
        host = "this Pi"
        timeout_seconds = arguments["timeout_seconds"]
        deadline = time.monotonic() + timeout_seconds + _UNDO_SECONDS
        options = f"--id {arguments['id']} --if-connected {shlex.quote(arguments['interface'])}"
        while time.monotonic() < deadline:
            time.sleep(_PAUSE_SECONDS)
            answer = self._ask(options)
            if answer["state"] == "confirmed":
                return {"changed": True, "moved": False}
            ended = _ended(host, answer)
            if ended:
                return ended
        return {
            "failed": True,
            "msg": f"{host} has neither confirmed nor undone the change of its network within "
            f"{timeout_seconds + _UNDO_SECONDS} s. Hint: sudo pvs-bridge rollback status",
        }

    def _confirm(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Try each address in turn until the host reports a confirmed or undone change."""
        host = str(task_vars.get("inventory_hostname", "the host"))
        before = str(self._connection.get_option("host"))
        addresses = list(dict.fromkeys(arguments["addresses"]))
        if before not in addresses:
            addresses.insert(0, before)
        timeout_seconds = arguments["timeout_seconds"]
        deadline = time.monotonic() + timeout_seconds + _UNDO_SECONDS
        last_error = "no error message"
        time.sleep(_BEGIN_SECONDS)
        while time.monotonic() < deadline:
            for address in addresses:
                try:
                    answer = self._ask_at(address, before, f"{arguments['id']} --look")
                    if answer["state"] == "applied":
                        # The connection of that answer may be older than the change. This one is
                        # opened after the change, and therefore over the new network.
                        answer = self._ask_at(address, before, arguments["id"])
                except (AnsibleError, ValueError) as error:
                    lines = str(error).strip().splitlines()
                    last_error = lines[-1] if lines else last_error
                    _display.vvv(f"{address}: {error}", host=host)
                    continue
                if answer["state"] == "confirmed":
                    if address != before and self._is_still_at(before, arguments["id"]):
                        address = before
                    return {
                        "changed": True,
                        "address": address,
                        "moved": address != before,
                        "ssh_extra_args": self._extra_arguments(address, before),
                    }
                ended = _ended(host, answer)
                if ended:
                    return ended
                break
            time.sleep(_PAUSE_SECONDS)
        return {
            "failed": True,
            "msg": f"{host} did not come back: neither over the new network, nor over the old one, "
            f"which the Pi restores after {timeout_seconds} s. Tried addresses: "
            f"{', '.join(addresses)}; last error: {last_error}. Hint: check that the Pi has power "
            "and that the home's router is on, then run again",
        }

    def _is_still_at(self, before: str, identifier: str) -> bool:
        """Return whether the host also answers at its previous address."""
        try:
            answer = self._ask_at(before, before, identifier, _SECOND_LOOK_SECONDS)
        except (AnsibleError, ValueError):
            return False
        return bool(answer["state"] == "confirmed")

    def _ask_at(
        self, address: str, before: str, confirm: str, seconds: int = _ATTEMPT_SECONDS
    ) -> dict[str, Any]:
        """Confirm the change over a new connection.

        Args:
            address: of the host.
            before: the host's address before the change.
            confirm: the change's name, and options.
            seconds: connection timeout.

        Raises:
            AnsibleError: the host cannot be reached.
            ValueError: the answer is not valid.
        """
        connection = connection_loader.get(
            self._connection.ansible_name, self._play_context, new_stdin=None
        )
        # ControlPath=none prevents the reuse of a connection over the old network.
        extra = f"{self._extra_arguments(address, before)} -o ControlPath=none"
        connection.set_options(
            direct={
                **self._connection.get_options(),
                "host": address,
                "timeout": seconds,
                # ssh uses the first value of an option, so these come before the user's own.
                "ssh_args": f"{_ALIVE} {self._connection.get_option('ssh_args') or ''}".strip(),
                "ssh_extra_args": extra.strip(),
            }
        )
        connection.set_become_plugin(self._connection.become)
        old = self._connection
        self._connection = connection
        try:
            return self._ask(f"--id {confirm}")
        finally:
            self._connection = old

    def _ask(self, options: str) -> dict[str, Any]:
        """Confirm the change over the present connection.

        Raises:
            AnsibleError: the host cannot be reached.
            ValueError: the answer is not valid.
        """
        done = self._low_level_execute_command(f"{PROGRAM} confirm {options}")
        if done["rc"] != 0:
            raise ValueError(done["stdout"] + done["stderr"])
        answer: dict[str, Any] = json.loads(done["stdout"])
        return answer

    def _extra_arguments(self, address: str, before: str) -> str:
        """Return ssh arguments that require the known host key at every address."""
        given = str(self._connection.get_option("ssh_extra_args") or "")
        if address == before:
            return given
        return f"{given} -o HostKeyAlias={self._known_as(before)}".strip()

    def _known_as(self, host: str) -> str:
        """Return the host's name in known_hosts, according to ssh's configuration."""
        names = ("ssh_args", "ssh_common_args", "ssh_extra_args")
        given = [str(self._connection.get_option(name) or "") for name in names]
        port = self._connection.get_option("port")
        command = [
            str(self._connection.get_option("ssh_executable")),
            *shlex.split(" ".join(given)),
            *(["-p", str(port)] if port else []),
            *("-G", host),
        ]
        shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        found = dict(line.split(" ", 1) for line in shown.splitlines() if " " in line)
        name, port = found.get("hostname", host), found.get("port", "22")
        return found.get("hostkeyalias", name if port == "22" else f"[{name}]:{port}")


def _ended(host: str, answer: dict[str, Any]) -> dict[str, Any] | None:
    """Return the result of a change that cannot be confirmed any more; None while it can."""
    if answer["state"] == "undone":
        return _undone(host, answer["undone"])
    if answer["state"] in _LOST:
        return {"failed": True, "msg": f"{host} {_LOST[answer['state']]}. Hint: run again"}
    return None


def _undone(host: str, undone: dict[str, Any]) -> dict[str, Any]:
    """Return the result of a change that the host has undone."""
    files = ", ".join(undone["files"]) or "no file"
    folder = undone["folder"]
    rejected = f" The rejected files are in {folder} on the Pi." if folder else ""
    return {
        "failed": True,
        "undone": undone,
        "msg": f"{host} has undone the change of its network: {undone['reason']}. It is reachable "
        f"as before. Restored: {files}.{rejected} Hint: correct the configuration, such as the "
        "network's name and passphrase, and run again",
    }
