"""Explain why the first connection to a Pi failed.

Works on the messages of ssh, sudo and Ansible. Each problem continues a sentence that begins
with the host's name.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import Issue

SUPPORTED_CODENAMES = ("bookworm", "trixie")
_SUPPORTED_IDS = ("debian", "raspbian")
_NEW_SYSTEM = (
    "write a new card with `make image`, or upgrade the Pi to Debian 12 (bookworm) or 13 (trixie)"
)

# Ansible's prefixes of ssh's messages.
_ANSIBLE_PREFIX = re.compile(
    r"^(Failed to connect to the host via \w+:"
    r"|Data could not be sent to remote host .*? can be reached over ssh:)\s*",
    re.IGNORECASE | re.DOTALL,
)
# Lines of ssh that do not explain an error.
_NOISE = re.compile(r"^(Warning: Permanently added|Connection to \S+ closed|debug\d:|@+$|$)|^\*\* ")


@dataclasses.dataclass(frozen=True)
class Contact:
    """How Ansible or the doctor connects to a host.

    Attributes:
        host: its name in the inventory.
        address: host name or IP address.
        port: TCP port; None if ssh's own configuration decides.
        user: the remote user; None if ssh's own configuration decides.
        python: the path of Python on the host.
    """

    host: str
    address: str
    port: int | None = None
    user: str | None = None
    python: str = "/usr/bin/python3"

    @property
    def place(self) -> str:
        """Address and port, for messages."""
        return f"{self.address} port {self.port or 22}"

    @property
    def login(self) -> str:
        """The arguments of ``ssh`` on a command line."""
        port = f"-p {self.port} " if self.port not in (None, 22) else ""
        user = f"{self.user}@" if self.user else ""
        return port + shlex.quote(user + self.address)

    @property
    def known_hosts_entry(self) -> str:
        """The host's name in known_hosts."""
        if self.port in (None, 22):
            return shlex.quote(self.address)
        return shlex.quote(f"[{self.address}]:{self.port}")

    @property
    def account(self) -> str:
        """The remote user, or a placeholder for it."""
        return self.user or "USER"


def contact_of(action: ActionBase, task_vars: Mapping[str, Any]) -> Contact:
    """Return how an action plugin connects to its host.

    Args:
        action: the plugin; its connection exists.
        task_vars: the host's variables.
    """
    host = str(task_vars.get("inventory_hostname", "this host"))
    port = _option(action, "port")
    user = _option(action, "remote_user")
    python = task_vars.get("ansible_python_interpreter", "")
    return Contact(
        host=host,
        address=str(_option(action, "host") or host),
        port=int(port) if port else None,
        user=str(user) if user else None,
        python=python if str(python).startswith("/") else Contact.python,
    )


def _option(action: ActionBase, name: str) -> Any:  # noqa: ANN401 - any option
    """Return an option of the connection; None if this type of connection does not have it."""
    try:
        return action._connection.get_option(name)
    except (AnsibleError, KeyError):
        return None


Explain = Callable[[Contact, str], Issue]


def diagnose(contact: Contact, said: str) -> Issue:
    """Explain a failed connection.

    Args:
        contact: how the connection was made.
        said: the whole output of ssh, sudo or Ansible.
    """
    for pattern, explain in _CAUSES:
        if pattern.search(said):
            return explain(contact, said)
    return Issue(
        f"the connection failed: {reason(said)}",
        f"run `ssh {contact.login} {contact.python} --version` to see the full error",
    )


def reason(said: str) -> str:
    """Return the line that explains the error."""
    text = _ANSIBLE_PREFIX.sub("", said.strip())
    lines = [line.strip() for line in text.splitlines()]
    useful = [line for line in lines if not _NOISE.search(line)]
    line = useful[-1] if useful else "no error message"
    return line.removeprefix("ssh: ").rstrip(".")


def unsupported(os: Mapping[str, Any]) -> Issue | None:
    """Check the operating system of a Pi.

    Args:
        os: as returned by the module bridge_facts.

    Returns:
        None if the roles support it.
    """
    if os["id"] in _SUPPORTED_IDS and os["codename"] in SUPPORTED_CODENAMES:
        return None
    name = os["pretty_name"] or os["id"] or "an unknown operating system"
    return Issue(
        f"runs {name}, which is not supported",
        _NEW_SYSTEM,
    )


def _not_resolved(contact: Contact, said: str) -> Issue:
    return Issue(
        f"no address is known for {contact.address}: {reason(said)}",
        "set ansible_host to its address, which the home's router shows, or check that the Pi "
        "has power and Wi-Fi",
    )


def _no_ssh(contact: Contact, said: str) -> Issue:
    return Issue(
        f"{contact.place} does not accept SSH: {reason(said)}",
        "check ansible_host and ansible_port, and enable SSH on the Pi, for example by a file "
        "named ssh on its boot partition",
    )


def _no_answer(contact: Contact, said: str) -> Issue:
    return Issue(
        f"{contact.place} cannot be reached: {reason(said)}",
        "check that the Pi has power and Wi-Fi, and that ansible_host is its address",
    )


def _key_changed(contact: Contact, said: str) -> Issue:  # noqa: ARG001 - an Explain
    return Issue(
        f"the host key of {contact.place} is not the one in known_hosts",
        "if the Pi has a new card, or the address was another machine's, run "
        f"`ssh-keygen -R {contact.known_hosts_entry}` and then `ssh {contact.login}` once; "
        "otherwise find out which machine answers there",
    )


def _key_unknown(contact: Contact, said: str) -> Issue:  # noqa: ARG001 - an Explain
    return Issue(
        f"the host key of {contact.place} is not in known_hosts yet",
        f"run `ssh {contact.login}` once and accept the key",
    )


def _refused(contact: Contact, said: str) -> Issue:
    return Issue(
        f"{contact.place} refuses the login: {reason(said)}",
        "check ansible_user and ansible_ssh_private_key_file, or install your key with "
        f"`ssh-copy-id {contact.login}`",
    )


def _key_file(contact: Contact, said: str) -> Issue:  # noqa: ARG001 - an Explain
    return Issue(
        "ssh does not use your private key, because other users can read it",
        "run `chmod 600` on the file of ansible_ssh_private_key_file",
    )


def _sudo_asks(contact: Contact, said: str) -> Issue:  # noqa: ARG001 - an Explain
    return Issue(
        f"sudo asks {contact.account} for a password",
        "run again with ARGS=--ask-become-pass, or write the line "
        f"`{contact.account} ALL=(ALL) NOPASSWD: ALL` into /etc/sudoers.d/010-{contact.account} "
        "on the Pi",
    )


def _sudo_wrong(contact: Contact, said: str) -> Issue:  # noqa: ARG001 - an Explain
    return Issue(
        f"sudo does not accept the password for {contact.account}",
        "run again with ARGS=--ask-become-pass and type the password of that user on the Pi",
    )


def _no_sudoer(contact: Contact, said: str) -> Issue:  # noqa: ARG001 - an Explain
    return Issue(
        f"{contact.account} may not use sudo",
        f"on the Pi, as root, write the line `{contact.account} ALL=(ALL) NOPASSWD: ALL` into "
        f"/etc/sudoers.d/010-{contact.account}, or set ansible_user to a user with sudo",
    )


def _no_sudo(contact: Contact, said: str) -> Issue:  # noqa: ARG001 - an Explain
    return Issue(
        "sudo is not installed",
        "run `apt-get install sudo` on the Pi as root, or set ansible_user to root",
    )


def _sudo_refuses(contact: Contact, said: str) -> Issue:
    return Issue(f"sudo refuses: {reason(said)}", _sudo_asks(contact, said).hint)


def _no_python(contact: Contact, said: str) -> Issue:  # noqa: ARG001 - an Explain
    return Issue(
        f"{contact.python} is missing",
        f"run `ssh {contact.login} sudo apt-get install -y python3`, or set "
        "ansible_python_interpreter to its path",
    )


def _old_python(contact: Contact, said: str) -> Issue:  # noqa: ARG001 - an Explain
    return Issue(
        f"{contact.python} is older than Ansible can use",
        _NEW_SYSTEM,
    )


def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


# The order matters: ssh prints "Host key verification failed" for unknown and for changed keys,
# and "Permission denied" after it has ignored a key file.
_CAUSES: tuple[tuple[re.Pattern[str], Explain], ...] = (
    (_pattern("REMOTE HOST IDENTIFICATION HAS CHANGED"), _key_changed),
    (_pattern("Host key verification failed|host key is known"), _key_unknown),
    (_pattern("UNPROTECTED PRIVATE KEY|bad permissions"), _key_file),
    (_pattern("Could not resolve hostname|Name or service not known"), _not_resolved),
    (_pattern("Connection (refused|reset|closed by)|kex_exchange_identification"), _no_ssh),
    (_pattern("timed out|No route to host|Network is unreachable|Host is down"), _no_answer),
    (_pattern(r"not in the sudoers|may not run sudo|is not allowed to (execute|run)"), _no_sudoer),
    (_pattern(r"Incorrect \w+ password|incorrect password attempt|Sorry, try again"), _sudo_wrong),
    (
        _pattern(r"Missing \w+ password|password is required|privilege escalation prompt"),
        _sudo_asks,
    ),
    (_pattern(r"sudo: (command )?not found|sudo: No such file"), _no_sudo),
    (re.compile("^sudo: ", re.MULTILINE), _sudo_refuses),  # messages in other languages
    (_pattern("Permission denied|Too many authentication failures|Authentication fail"), _refused),
    (
        _pattern("module interpreter .* was not found|python[0-9.]*: .*(not found|No such file)"),
        _no_python,
    ),
    (_pattern("requires Python|requires a minimum of Python|SyntaxError: "), _old_python),
)
