"""Say in a person's words why the first contact with a Pi went wrong, and what to do.

Pure: works on what ssh, sudo and Ansible have said.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any

SUPPORTED_CODENAMES = ("bookworm", "trixie")
_SUPPORTED_IDS = ("debian", "raspbian")
_NEW_SYSTEM = (
    "write a new card with `make image`, or upgrade the Pi to Debian 12 (bookworm) or 13 (trixie)"
)

# What Ansible puts before ssh's own words.
_ANSIBLES_WORDS = re.compile(
    r"^(Failed to connect to the host via \w+:"
    r"|Data could not be sent to remote host .*? can be reached over ssh:)\s*",
    re.IGNORECASE | re.DOTALL,
)
# Lines of ssh that are no reason.
_CHATTER = re.compile(
    r"^(Warning: Permanently added|Connection to \S+ closed|debug\d:|@+$|$)|^\*\* "
)


@dataclasses.dataclass(frozen=True)
class Contact:
    """How a host was to be reached.

    Attributes:
        host: its name in the inventory.
        address: what was dialled.
        port: TCP port; None where ssh's own configuration decides.
        user: who was to log in; None where ssh's own configuration decides.
        python: the interpreter that was to run.
    """

    host: str
    address: str
    port: int | None = None
    user: str | None = None
    python: str = "/usr/bin/python3"

    @property
    def place(self) -> str:
        """Address and port for a person to read."""
        return f"{self.address} port {self.port or 22}"

    @property
    def login(self) -> str:
        """What goes behind ``ssh`` on a command line."""
        port = f"-p {self.port} " if self.port not in (None, 22) else ""
        user = f"{self.user}@" if self.user else ""
        return port + shlex.quote(user + self.address)

    @property
    def known_hosts_entry(self) -> str:
        """What ssh calls the host in known_hosts."""
        if self.port in (None, 22):
            return shlex.quote(self.address)
        return shlex.quote(f"[{self.address}]:{self.port}")

    @property
    def account(self) -> str:
        """The user for a sentence, or a command to complete."""
        return self.user or "USER"


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """Why a contact went wrong.

    Attributes:
        problem: in words that go on from the host's name.
        hint: what to do about it, as an order.
    """

    problem: str
    hint: str

    def message(self, host: str) -> str:
        """Write it as a task's failure."""
        return f"{host}: {self.problem}. Hint: {self.hint}."


Explain = Callable[[Contact, str], Diagnosis]


def diagnose(contact: Contact, said: str) -> Diagnosis:
    """Explain a failed contact.

    Args:
        contact: how the host was to be reached.
        said: all that ssh, sudo or Ansible said.
    """
    for pattern, explain in _SIGNS:
        if pattern.search(said):
            return explain(contact, said)
    return Diagnosis(
        f"the first contact failed: {reason(said)}",
        f"try `ssh {contact.login} {contact.python} --version` by hand",
    )


def reason(said: str) -> str:
    """Pick the one line that says why."""
    text = _ANSIBLES_WORDS.sub("", said.strip())
    lines = [line.strip() for line in text.splitlines()]
    telling = [line for line in lines if not _CHATTER.search(line)]
    line = telling[-1] if telling else "nothing was said"
    return line.removeprefix("ssh: ").rstrip(".")


def unsupported(os: Mapping[str, Any]) -> Diagnosis | None:
    """Judge the operating system that a Pi runs.

    Args:
        os: as the module facts returns it.

    Returns:
        None where the roles have been tested with it.
    """
    if os["id"] in _SUPPORTED_IDS and os["codename"] in SUPPORTED_CODENAMES:
        return None
    name = os["pretty_name"] or os["id"] or "an unknown operating system"
    return Diagnosis(
        f"runs {name}, which is not supported",
        _NEW_SYSTEM,
    )


def _not_resolved(contact: Contact, said: str) -> Diagnosis:
    return Diagnosis(
        f"no address is known for {contact.address}: {reason(said)}",
        "set ansible_host to its address, which the home's router shows, or check that the Pi "
        "has power and Wi-Fi",
    )


def _no_ssh(contact: Contact, said: str) -> Diagnosis:
    return Diagnosis(
        f"{contact.place} does not let ssh in: {reason(said)}",
        "check that ansible_host and ansible_port are the Pi's, and that ssh is enabled on it, "
        "such as by a file named ssh on its boot partition",
    )


def _no_answer(contact: Contact, said: str) -> Diagnosis:
    return Diagnosis(
        f"{contact.place} cannot be reached: {reason(said)}",
        "check that the Pi has power and is in the Wi-Fi, and that ansible_host is its address",
    )


def _key_changed(contact: Contact, said: str) -> Diagnosis:  # noqa: ARG001 - called as all
    return Diagnosis(
        f"the host key of {contact.place} is not the one in known_hosts",
        "if its card was written anew, or the address was another machine's, run "
        f"`ssh-keygen -R {contact.known_hosts_entry}` and then `ssh {contact.login}` once; "
        "otherwise find out who answers there",
    )


def _key_unknown(contact: Contact, said: str) -> Diagnosis:  # noqa: ARG001 - called as all
    return Diagnosis(
        f"the host key of {contact.place} is not known yet",
        f"run `ssh {contact.login}` once and accept the key",
    )


def _refused(contact: Contact, said: str) -> Diagnosis:
    return Diagnosis(
        f"{contact.place} refuses the login: {reason(said)}",
        "check ansible_user and ansible_ssh_private_key_file, or put your key there with "
        f"`ssh-copy-id {contact.login}`",
    )


def _key_file(contact: Contact, said: str) -> Diagnosis:  # noqa: ARG001 - called as all
    return Diagnosis(
        "ssh does not use your private key, for others may read it",
        "run `chmod 600` on the file of ansible_ssh_private_key_file",
    )


def _sudo_asks(contact: Contact, said: str) -> Diagnosis:  # noqa: ARG001 - called as all
    return Diagnosis(
        f"sudo asks {contact.account} for a password",
        "run again with ARGS=--ask-become-pass, or write the line "
        f"`{contact.account} ALL=(ALL) NOPASSWD: ALL` into /etc/sudoers.d/010-{contact.account} "
        "on the Pi",
    )


def _sudo_wrong(contact: Contact, said: str) -> Diagnosis:  # noqa: ARG001 - called as all
    return Diagnosis(
        f"sudo does not accept the password for {contact.account}",
        "run again with ARGS=--ask-become-pass and type the password of that user on the Pi",
    )


def _no_sudoer(contact: Contact, said: str) -> Diagnosis:  # noqa: ARG001 - called as all
    return Diagnosis(
        f"{contact.account} may not use sudo",
        f"on the Pi, as root, write the line `{contact.account} ALL=(ALL) NOPASSWD: ALL` into "
        f"/etc/sudoers.d/010-{contact.account}, or set ansible_user to one who may",
    )


def _no_sudo(contact: Contact, said: str) -> Diagnosis:  # noqa: ARG001 - called as all
    return Diagnosis(
        "sudo is not installed",
        "run `apt-get install sudo` on the Pi as root, or set ansible_user to root",
    )


def _sudo_refuses(contact: Contact, said: str) -> Diagnosis:
    return Diagnosis(f"sudo refuses: {reason(said)}", _sudo_asks(contact, said).hint)


def _no_python(contact: Contact, said: str) -> Diagnosis:  # noqa: ARG001 - called as all
    return Diagnosis(
        f"{contact.python} is missing",
        f"run `ssh {contact.login} sudo apt-get install -y python3`, or set "
        "ansible_python_interpreter to where it is",
    )


def _old_python(contact: Contact, said: str) -> Diagnosis:  # noqa: ARG001 - called as all
    return Diagnosis(
        f"{contact.python} is older than Ansible can use",
        _NEW_SYSTEM,
    )


def _sign(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


# The most telling first: ssh says "Host key verification failed" in both of its cases, and
# "Permission denied" after it has refused a key file.
_SIGNS: tuple[tuple[re.Pattern[str], Explain], ...] = (
    (_sign("REMOTE HOST IDENTIFICATION HAS CHANGED"), _key_changed),
    (_sign("Host key verification failed|host key is known"), _key_unknown),
    (_sign("UNPROTECTED PRIVATE KEY|bad permissions"), _key_file),
    (_sign("Could not resolve hostname|Name or service not known"), _not_resolved),
    (_sign("Connection (refused|reset|closed by)|kex_exchange_identification"), _no_ssh),
    (_sign("timed out|No route to host|Network is unreachable|Host is down"), _no_answer),
    (_sign(r"not in the sudoers|may not run sudo|is not allowed to (execute|run)"), _no_sudoer),
    (_sign(r"Incorrect \w+ password|incorrect password attempt|Sorry, try again"), _sudo_wrong),
    (_sign(r"Missing \w+ password|password is required|privilege escalation prompt"), _sudo_asks),
    (_sign(r"sudo: (command )?not found|sudo: No such file"), _no_sudo),
    (re.compile("^sudo: ", re.MULTILINE), _sudo_refuses),  # in another language, say
    (_sign("Permission denied|Too many authentication failures|Authentication fail"), _refused),
    (
        _sign("module interpreter .* was not found|python[0-9.]*: .*(not found|No such file)"),
        _no_python,
    ),
    (_sign("requires Python|requires a minimum of Python|SyntaxError: "), _old_python),
)
