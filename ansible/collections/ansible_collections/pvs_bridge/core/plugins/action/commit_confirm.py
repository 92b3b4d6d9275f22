"""The action plugin of ``pvs_bridge.core.commit_confirm``; see the module of the same name."""

from __future__ import annotations

import json
import shlex
import subprocess
import time
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import connection_loader
from ansible.utils.display import Display

PROGRAM = "/usr/local/bin/pvs-bridge rollback"

# One attempt to connect, and the pause between two.
_ATTEMPT_SECONDS = 5
_PAUSE_SECONDS = 0.5
# A host that has just answered elsewhere is not slow; only where it may be called is in question.
_SECOND_LOOK_SECONDS = 2
# The host waits a little before it begins; what is asked before is soon cut off.
_BEGIN_SECONDS = 3
# A connection that the change has cut off is given up after this many seconds without an answer.
_ALIVE = "-o ServerAliveInterval=1 -o ServerAliveCountMax=3"
# What the host may need to be back as it was, after its time is up.
_UNDO_SECONDS = 120
# What the host says that has nothing to confirm.
_LOST = {
    "armed": "has not begun to change its network: the connection broke before",
    "nothing": "knows nothing of this change any more",
}

_display = Display()


class ActionModule(ActionBase):
    """Lets a host change its network, and comes back through it."""

    TRANSFERS_FILES = False
    _supports_async = False
    _supports_check_mode = True
    _connection: Any

    def run(
        self,
        tmp: str | None = None,
        task_vars: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Have the change carried out and confirm it.

        Args:
            tmp: not used, as in every action plugin of today.
            task_vars: the host's variables.

        Returns:
            the task's result: where the host was reached, or what was undone.
        """
        task_vars = task_vars or {}
        super().run(tmp, task_vars)
        _, arguments = self.validate_argument_spec(
            {
                "id": {"type": "str", "required": True},
                "script": {"type": "str", "required": True},
                "addresses": {"type": "list", "elements": "str", "default": []},
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
            # The change may have broken the connection before the answer was through.
            _display.vvv(f"while the change began: {error}")
        else:
            if begun["rc"] != 0:
                return {"failed": True, "msg": (begun["stdout"] + begun["stderr"]).strip()}
        # An old connection that still works proves nothing.
        self._connection.reset()
        result = self._confirm(arguments, task_vars)
        result["seconds"] = round(time.monotonic() - started, 1)
        return result

    def _confirm(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Try each address in turn until the host says that the change is confirmed, or undone."""
        host = str(task_vars.get("inventory_hostname", "the host"))
        before = str(self._connection.get_option("host"))
        addresses = list(dict.fromkeys(arguments["addresses"]))
        if before not in addresses:
            addresses.insert(0, before)
        timeout_seconds = arguments["timeout_seconds"]
        deadline = time.monotonic() + timeout_seconds + _UNDO_SECONDS
        said = "nothing"
        time.sleep(_BEGIN_SECONDS)
        while time.monotonic() < deadline:
            for address in addresses:
                try:
                    answer = self._ask(address, before, f"{arguments['id']} --look")
                    if answer["state"] == "applied":
                        # The way to that answer may have been opened before the change; this one
                        # is opened behind it, and so through the network that it has brought.
                        answer = self._ask(address, before, arguments["id"])
                except (AnsibleError, ValueError) as error:
                    said = str(error).strip().splitlines()[-1] if str(error).strip() else said
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
                if answer["state"] == "undone":
                    return _undone(host, answer["undone"])
                if answer["state"] in _LOST:
                    msg = f"{host} {_LOST[answer['state']]}. Hint: run again"
                    return {"failed": True, "msg": msg}
                break
            time.sleep(_PAUSE_SECONDS)
        return {
            "failed": True,
            "msg": f"{host} did not come back: neither through the new network, nor, after "
            f"{timeout_seconds} s, through the old one, to which it returns by itself. It was "
            f"looked for at {', '.join(addresses)}; the last attempt ended with: {said}. Hint: "
            "check that the Pi has power and that the home's router is on; then run again",
        }

    def _is_still_at(self, before: str, identifier: str) -> bool:
        """Whether the host answers at its address of before, which may only have been quiet."""
        try:
            answer = self._ask(before, before, identifier, _SECOND_LOOK_SECONDS)
        except (AnsibleError, ValueError):
            return False
        return bool(answer["state"] == "confirmed")

    def _ask(
        self, address: str, before: str, confirm: str, seconds: int = _ATTEMPT_SECONDS
    ) -> dict[str, Any]:
        """Make a new connection and try to confirm by it.

        Args:
            address: where.
            before: where the host was before the change.
            confirm: the change, and options.
            seconds: how long to wait for the connection.

        Raises:
            AnsibleError: the host is not there.
            ValueError: what is there gives no sensible answer.
        """
        connection = connection_loader.get(
            self._connection.ansible_name, self._play_context, new_stdin=None
        )
        # Not over a connection that was opened through the old network.
        extra = f"{self._extra_arguments(address, before)} -o ControlPath=none"
        connection.set_options(
            direct={
                **self._connection.get_options(),
                "host": address,
                "timeout": seconds,
                # The first word counts, and the user's own follow.
                "ssh_args": f"{_ALIVE} {self._connection.get_option('ssh_args') or ''}".strip(),
                "ssh_extra_args": extra.strip(),
            }
        )
        connection.set_become_plugin(self._connection.become)
        old = self._connection
        self._connection = connection
        try:
            done = self._low_level_execute_command(f"{PROGRAM} confirm --id {confirm}")
        finally:
            self._connection = old
        if done["rc"] != 0:
            raise ValueError(done["stdout"] + done["stderr"])
        answer: dict[str, Any] = json.loads(done["stdout"])
        return answer

    def _extra_arguments(self, address: str, before: str) -> str:
        """Return what ssh is to be told: wherever the host is now, it has to be the same one."""
        given = str(self._connection.get_option("ssh_extra_args") or "")
        if address == before:
            return given
        return f"{given} -o HostKeyAlias={self._known_as(before)}".strip()

    def _known_as(self, host: str) -> str:
        """Return the name that ssh knows a host's key by, which its configuration decides."""
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


def _undone(host: str, undone: dict[str, Any]) -> dict[str, Any]:
    """Say what was put back, and where to read what was not taken."""
    files = ", ".join(undone["files"]) or "no file"
    lie = f" The rejected files lie in {undone['folder']} on the Pi." if undone["folder"] else ""
    return {
        "failed": True,
        "undone": undone,
        "msg": f"{host} has undone the change of its network: {undone['reason']}. It is reachable "
        f"as before. Put back: {files}.{lie} Hint: correct the description, such as the network's "
        "name and passphrase, and run again",
    }
