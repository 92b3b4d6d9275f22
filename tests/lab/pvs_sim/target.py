"""What a request is for, told from its path and parameters before anything is answered."""

from __future__ import annotations

from dataclasses import dataclass

from .commands import (
    COMMANDS,
    NO_COMMAND,
    POSTED_DEVICES,
    REST,
    SESSION_PATHS,
    UNKNOWN_COMMAND,
    Command,
)
from .query import parameters, split_target, values_of
from .wire import Request

CGI = "/cgi-bin/dl_cgi"


@dataclass(frozen=True)
class Target:
    """What a request is for.

    Attributes:
        kind: cgi, varserver or static.
        label: The name under which it is counted; None for static files.
        todo: For cgi: what runs, in order; the last one answers.
        writes: What it would change, by name; empty for a read.
    """

    kind: str
    path: str
    label: str | None
    parameters: list[tuple[str, str]]
    todo: tuple[Command, ...] = ()
    writes: tuple[str, ...] = ()

    @property
    def slow(self) -> bool:
        """It takes the time of a device list."""
        return any(command.slow for command in self.todo)

    @property
    def info(self) -> bool:
        """It is supervisor/info, which every build answers."""
        return self.label == "supervisor/info" and not self.writes


def identify(request: Request, *, varserver: bool) -> Target:
    """Tell what a request is for; `varserver`: the build has /auth and /vars."""
    path, query = split_target(request.target)
    body = request.body.decode("utf-8", errors="replace")
    pairs = parameters(query) + parameters(body)
    if path == CGI or path.startswith(CGI + "/"):
        return _cgi(request, path, pairs)
    name = path.rstrip("/")
    if varserver and name in {"/auth", "/vars"}:
        return _varserver(name, path, pairs)
    return Target("static", path, None, pairs)


def _cgi(request: Request, path: str, pairs: list[tuple[str, str]]) -> Target:
    rest = path[len(CGI) :].rstrip("/")
    given = values_of(pairs, "command")
    writes = tuple(name for name in given if name in COMMANDS and COMMANDS[name].writes)
    if writes:
        todo = tuple(COMMANDS[name] for name in writes)
        return Target("cgi", path, writes[-1], pairs, todo, writes)
    if rest in REST:
        label = rest.lstrip("/")
        if label in SESSION_PATHS and request.method in {"POST", "PUT", "DELETE"}:
            what = (f"{request.method} {label}",)
            posted = POSTED_DEVICES if label == "devices/list" else REST[rest]
            return Target("cgi", path, label, pairs, (posted,), what)
        return Target("cgi", path, label, pairs, (REST[rest],))
    if not given:
        return Target("cgi", path, "(none)", pairs, (NO_COMMAND,))
    known = given[-1] in COMMANDS
    label = given[-1] if known else "(unknown)"
    return Target("cgi", path, label, pairs, (COMMANDS.get(given[-1], UNKNOWN_COMMAND),))


def _varserver(name: str, path: str, pairs: list[tuple[str, str]]) -> Target:
    if name == "/auth":
        asked = [key for key, _ in pairs if key in {"login", "logout", "check"}]
        return Target("varserver", path, f"auth?{asked[0]}" if asked else "auth", pairs)
    sets = tuple(f"set={value}" for value in values_of(pairs, "set"))
    return Target("varserver", path, "vars set" if sets else "vars", pairs, writes=sets)
