"""The command line: `python3 -m pvs_sim`."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

from .certificate import CertificateError
from .clock import parse_instant
from .faults import DESCRIPTIONS, FaultError, parse_fault
from .listener import ListenError
from .options import OptionError, Options, Settings, Spec, check, defaults, specs
from .simulator import Service

PORT_DEFAULTS = {
    "http_port": 8080,
    "https_port": 8443,
    "websocket_port": 9002,
    "control_port": 8099,
}
_METAVARS = {
    "int": "N",
    "float": "NUMBER",
    "port": "PORT",
    "text": "TEXT",
    "path": "FILE",
    "instant": "INSTANT",
    "phases": "WEIGHTS",
}
_EPILOG = """\
A port is a number, 0 for any free one, or `off`. Times are real seconds; only the plant's
clock is scaled. Everything under latency, crash, weaknesses, new API, old API and WebSocket,
and every fault, can be changed while it runs: see /_sim/ on the control port.
"""


def flag(name: str) -> str:
    """Return the command-line option of a field: `http_port` is `--http-port`."""
    return "--" + name.replace("_", "-")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser, made from the fields of Options and Settings."""
    parser = argparse.ArgumentParser(
        prog="pvs_sim",
        description="A simulated SunPower PVS: the old and the new API, a plant, and faults.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    groups: dict[str, Any] = {}
    for of in (Options, Settings):
        for name, spec in specs(of).items():
            if spec.group not in groups:
                groups[spec.group] = parser.add_argument_group(spec.group)
            _add(groups[spec.group], name, spec, defaults(of)[name])
    kinds = "; ".join(f"{kind}: {text}" for kind, text in DESCRIPTIONS.items())
    group = parser.add_argument_group("faults")
    group.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="KIND[:KEY=VALUE,...]",
        help="inject a fault; may be repeated. Keys for all: count, command, path, probability. "
        f"Kinds: {kinds}".replace("%", "%%"),
    )
    groups["output"].add_argument(
        "--ready-file",
        metavar="FILE",
        type=Path,
        help="write the actual ports there as JSON, once all of them listen",
    )
    return parser


def _add(group: argparse._ArgumentGroup, name: str, spec: Spec, default: object) -> None:
    text = spec.help.replace("%", "%%")
    if spec.kind == "bool":
        group.add_argument(flag(name), action="store_true", help=text)
        return
    default = PORT_DEFAULTS.get(name, default)
    metavar = _METAVARS.get(spec.kind)
    if spec.kind == "tristate":
        metavar = "auto|on|off"
    elif spec.kind == "choice":
        metavar = "|".join(str(choice) for choice in spec.choices)
    if default is not None:
        text += f" (default {_written(default)})"
    group.add_argument(flag(name), default=None, metavar=metavar, help=text)


def _written(default: object) -> str:
    if isinstance(default, tuple):
        return ",".join(f"{phase}={weight:g}" for phase, weight in default)
    return f"{default:g}" if isinstance(default, float) else str(default)


def _value(name: str, spec: Spec, text: str) -> object:
    """Read one option's text.

    Raises:
        OptionError: The text cannot be read.
    """
    readers = {
        "int": _whole,
        "float": _number,
        "port": _port,
        "tristate": _tristate,
        "instant": _instant,
        "phases": _weights,
    }
    if spec.kind == "choice":
        return {str(choice): choice for choice in spec.choices}.get(text, text)
    if spec.kind == "float" and spec.nullable and text == "auto":
        return None
    reader = readers.get(spec.kind)
    return reader(name, text) if reader is not None else text


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise OptionError(name, f"{text!r} is not a whole number; give a whole number") from None


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise OptionError(name, f"{text!r} is not a number; give a number") from None


def _port(name: str, text: str) -> int | None:
    if text == "off":
        return None
    if not text.isdecimal():
        hint = "give a number, 0 for any free port, or off"
        raise OptionError(name, f"{text!r} is not a port; {hint}")
    return int(text)


def _tristate(name: str, text: str) -> bool | None:
    known = {"auto": None, "on": True, "off": False}
    if text not in known:
        raise OptionError(name, f"{text!r} is not known; give auto, on or off")
    return known[text]


def _instant(name: str, text: str) -> float | None:
    try:
        return parse_instant(text)
    except ValueError:
        hint = "give now or an ISO instant such as 2026-06-21T19:00:00Z"
        raise OptionError(name, f"{text!r} is not an instant; {hint}") from None


def _weights(name: str, text: str) -> tuple[tuple[str, float], ...]:
    pairs = []
    for part in text.split(","):
        phase, _, weight = part.partition("=")
        pairs.append((phase, _number(name, weight or "1")))
    return tuple(pairs)


def options_from(arguments: argparse.Namespace) -> Options:
    """Return the options that a command line describes.

    Raises:
        OptionError: A value is impossible.
        FaultError: A fault is impossible.
    """
    chosen: dict[str, dict[str, Any]] = {"Options": dict(PORT_DEFAULTS), "Settings": {}}
    for of in (Options, Settings):
        for name, spec in specs(of).items():
            given = getattr(arguments, name)
            if given is None or given is False:
                continue
            value = given if given is True else _value(name, spec, given)
            check(name, spec, value)
            chosen[of.__name__][name] = value
    return Options(
        **chosen["Options"],
        settings=Settings(**chosen["Settings"]),
        faults=tuple(parse_fault(text) for text in arguments.fault),
    )


async def _serve(options: Options, ready_file: Path | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    service = Service(options)
    await service.start()
    try:
        ports = service.ports()
        for name, port in ports.items():
            host = options.control_host if name == "control" else options.host
            if port is not None:
                print(f"pvs_sim: {name} on {host} port {port}", flush=True)
        if ready_file is not None:
            _announce(ready_file, {"ports": ports, "serial": service.box.state.serial})
        await stop.wait()
    finally:
        await service.stop()


def _announce(path: Path, data: dict[str, Any]) -> None:
    """Write the file in one step, so that a reader never sees half of it."""
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_text(json.dumps(data) + "\n")
        partial.replace(path)
    except OSError as error:
        hint = "give a file in a directory that exists"
        raise OptionError("ready_file", f"cannot write {path}: {error.strerror}; {hint}") from error


def main(argv: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; return the exit status: 0, or 2 after one clear error."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    try:
        asyncio.run(_serve(options_from(arguments), arguments.ready_file))
    except OptionError as error:
        print(f"pvs_sim: {flag(error.option)}: {error.problem}", file=sys.stderr)
        return 2
    except FaultError as error:
        print(f"pvs_sim: --fault: {error}", file=sys.stderr)
        return 2
    except (ListenError, CertificateError) as error:
        print(f"pvs_sim: {error}", file=sys.stderr)
        return 2
    return 0
