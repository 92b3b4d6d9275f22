"""What a simulator can be told: options for its whole life, settings for the moment.

Each field carries its own description. The command line, the control port and the checks
are all made from these fields, so that none of them can know a value the others do not.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from .evil import KINDS
from .faults import Fault

T = TypeVar("T")

EARLIEST_CLOCK = 1_735_776_000.0
"""2025-01-02T00:00:00Z: the plant's energies are counted from the day before."""

RESTART_PHASES = ("503", "reset", "silence")
HTTP_API = ("off", "on", "redirect")
WEBSOCKET_OFF = ("silent", "refused")

DEVICES_LIST = ("session", "closed")
MODELS = ("PVS6", "PVS5")


class OptionError(ValueError):
    """An option or setting that cannot be: names it and says what can be."""

    def __init__(self, option: str, problem: str) -> None:
        """Remember which option (a field's name) and what is wrong with it."""
        super().__init__(f"{option}: {problem}")
        self.option = option
        self.problem = problem


@dataclass(frozen=True)
class Spec:
    """What one field accepts, and its line in `--help`.

    Attributes:
        kind: int, float, bool, tristate, port, choice, text, path, instant or phases.
        help: One line for people.
        group: The heading under which `--help` lists it.
        low: Smallest number allowed.
        high: Largest number allowed.
        choices: The values allowed, where they can be listed.
        nullable: None is allowed and means `auto`.
    """

    kind: str
    help: str
    group: str
    low: float = 0.0
    high: float = math.inf
    choices: tuple[Any, ...] = ()
    nullable: bool = False


def _option(default: T, spec: Spec) -> T:
    return dataclasses.field(default=default, metadata={"spec": spec})


def specs(of: type[Options | Settings]) -> dict[str, Spec]:
    """Return the described fields of Options or Settings, in their order."""
    return {f.name: f.metadata["spec"] for f in dataclasses.fields(of) if "spec" in f.metadata}


def defaults(of: type[Options | Settings]) -> dict[str, Any]:
    """Return the default of every described field of Options or Settings."""
    return {f.name: f.default for f in dataclasses.fields(of) if "spec" in f.metadata}


def check(name: str, spec: Spec, value: object) -> None:
    """Check one value against its field's description.

    Raises:
        OptionError: The value has the wrong type or lies outside what is allowed.
    """
    if value is None and spec.nullable:
        return
    if spec.kind in {"int", "float", "port"}:
        _check_number(name, spec, value)
    elif spec.kind in {"bool", "tristate"} and not isinstance(value, bool):
        raise OptionError(name, f"{value!r} is not true or false; give true or false")
    elif spec.kind == "choice" and value not in spec.choices:
        allowed = ", ".join(str(choice) for choice in spec.choices)
        raise OptionError(name, f"{value!r} is not known; give one of {allowed}")
    elif spec.kind == "text" and (not isinstance(value, str) or not value):
        raise OptionError(name, f"{value!r} is not a text; give at least one character")
    elif spec.kind == "phases":
        _check_phases(name, value)


def _check_number(name: str, spec: Spec, value: object) -> None:
    whole = spec.kind != "float"
    if isinstance(value, bool) or not isinstance(value, (int,) if whole else (int, float)):
        noun = "a whole number" if whole else "a number"
        raise OptionError(name, f"{value!r} is not {noun}; give {noun}")
    number = float(cast("float", value))
    if not (spec.low <= number <= spec.high) or not math.isfinite(number):
        low = f"{spec.low:g}"
        allowed = f"{low} or more" if math.isinf(spec.high) else f"{low} to {spec.high:g}"
        raise OptionError(name, f"{value!r} is out of range; give {allowed}")


def _check_phases(name: str, value: object) -> None:
    hint = "give weights such as 503=1,reset=1,silence=1"
    if not isinstance(value, tuple) or not value:
        raise OptionError(name, f"{value!r} has no phases; {hint}")
    for phase, weight in value:
        if phase not in RESTART_PHASES:
            allowed = ", ".join(RESTART_PHASES)
            raise OptionError(name, f"{phase!r} is not a phase ({allowed}); {hint}")
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or weight < 0:
            raise OptionError(name, f"the weight {weight!r} is not a number from 0 up; {hint}")
    if not any(weight for _, weight in value):
        raise OptionError(name, f"all weights are 0; {hint}")


def _check_all(instance: Options | Settings) -> None:
    for name, spec in specs(type(instance)).items():
        check(name, spec, getattr(instance, name))


@dataclass(frozen=True)
class Settings:
    """Weaknesses and timings that may change while the simulator runs. Times are real seconds.

    Raises:
        OptionError: A value is impossible.
    """

    latency_seconds: float | None = _option(
        None,
        Spec(
            "float",
            "fixed time for DeviceList; 0: no waiting anywhere; default by number of panels: "
            "6.5 s at 24, 9.5 s at 37",
            "latency",
            nullable=True,
        ),
    )
    latency_scale: float = _option(
        1.0, Spec("float", "factor on every latency, for tests in a hurry", "latency")
    )
    crash_in_flight: int = _option(
        0, Spec("int", "crash with more than this many CGI processes at once; 0: never", "crash")
    )
    crash_requests: int = _option(
        0,
        Spec("int", "crash with more than this many CGI requests in the window; 0: never", "crash"),
    )
    crash_window_seconds: float = _option(
        60.0, Spec("float", "the window for --crash-requests", "crash", low=0.001)
    )
    restart_seconds: float = _option(
        540.0, Spec("float", "how long a restart takes, in real seconds", "crash")
    )
    restart_phases: tuple[tuple[str, float], ...] = _option(
        (("503", 1.0), ("reset", 1.0), ("silence", 1.0)),
        Spec("phases", "what a restart looks like from outside, in order, with weights", "crash"),
    )
    random_403: float | None = _option(
        None,
        Spec(
            "float",
            "chance of a 403 from the old API until the next restart; auto: 0.25 on builds "
            "61827 to 61829, else 0",
            "weaknesses",
            high=1.0,
            nullable=True,
        ),
    )
    br_hang: bool | None = _option(
        None,
        Spec(
            "tristate",
            "never answer the old API when Accept-Encoding offers br; auto: on build 61707",
            "weaknesses",
            nullable=True,
        ),
    )
    evil: str | None = _option(
        None,
        Spec(
            "choice",
            "be hostile: replace every answer, or the certificate, by this kind",
            "weaknesses",
            choices=KINDS,
            nullable=True,
        ),
    )
    processing_seconds: float = _option(
        5.0,
        Spec(
            "float",
            "old API answers 503 this long after a device list was posted to it",
            "weaknesses",
        ),
    )
    session_seconds: float = _option(
        360.0,
        Spec(
            "float", "life of a session of the new API; a PVS takes 300 to 480", "new API", low=0.01
        ),
    )
    expired_status: int = _option(
        403,
        Spec("choice", "answer to a session that has ended", "new API", choices=(401, 403, 500)),
    )
    http_api: str = _option(
        "off",
        Spec(
            "choice",
            "the new API by HTTP: off: 404; on: as by HTTPS; redirect: 301 to HTTPS",
            "new API",
            choices=HTTP_API,
        ),
    )
    session_cookie: bool | None = _option(
        None,
        Spec(
            "tristate",
            "a login sets a cookie, beside the session in the body; auto: from build 61846 on",
            "new API",
            nullable=True,
        ),
    )
    session_limit: int = _option(
        0, Spec("int", "more sessions at once are refused with 403; 0: any number", "new API")
    )
    incomplete_seconds: float = _option(
        0.0, Spec("float", "/vars lacks devices for this long after a restart", "new API")
    )
    incomplete_inverters: int = _option(
        0, Spec("int", "inverters that /vars has meanwhile, beside the meters", "new API")
    )
    odd_values: bool = _option(
        default=False,
        spec=Spec("bool", "some values have blanks around them, or are not strings", "new API"),
    )
    flash_usage: int | None = _option(
        None,
        Spec(
            "int",
            "percent of the flash in use, in /vars; default varies from 40 to 75",
            "new API",
            high=100,
            nullable=True,
        ),
    )
    flash_wear: int = _option(
        3, Spec("int", "wear of the flash, in steps of 10 %, in /vars", "new API", high=11)
    )
    devices_list: str = _option(
        "session",
        Spec(
            "choice",
            "who reads devices/list and network/* on locked firmware: session: a login; "
            "closed: no client",
            "new API",
            choices=DEVICES_LIST,
        ),
    )
    devices_list_seconds: float = _option(
        45.0, Spec("float", "time for devices/list on locked firmware", "latency")
    )
    empty_info: bool | None = _option(
        None,
        Spec(
            "tristate",
            "supervisor/info describes nothing; auto: on build 5408 of a PVS5",
            "weaknesses",
            nullable=True,
        ),
    )
    discovery_seconds: float = _option(
        60.0, Spec("float", "how long StartDiscovery takes to reach 100 %", "old API")
    )
    framing: str = _option(
        "length",
        Spec(
            "choice",
            "how the end of a body is told",
            "old API",
            choices=("length", "chunked", "close"),
        ),
    )
    keepalive_seconds: float = _option(
        5.0, Spec("float", "an idle connection is closed after this long", "old API", low=0.01)
    )
    websocket_interval_seconds: float = _option(
        1.0, Spec("float", "time between two live-data messages", "WebSocket", low=0.01)
    )
    websocket_life_seconds: float = _option(
        600.0, Spec("float", "the PVS closes a WebSocket after this long", "WebSocket", low=0.01)
    )
    websocket_off: str = _option(
        "silent",
        Spec(
            "choice",
            "while telemetry is off: silent, or connections are refused",
            "WebSocket",
            choices=WEBSOCKET_OFF,
        ),
    )

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        _check_all(self)


@dataclass(frozen=True)
class Options:
    """A simulator for its whole life. A port is a number, 0 for any free one, None for none.

    Raises:
        OptionError: A value is impossible.
    """

    host: str = _option("127.0.0.1", Spec("text", "address for 80, 443 and 9002", "listening"))
    http_port: int | None = _option(
        0, Spec("port", "port for HTTP", "listening", high=65535, nullable=True)
    )
    https_port: int | None = _option(
        0, Spec("port", "port for HTTPS, self-signed", "listening", high=65535, nullable=True)
    )
    websocket_port: int | None = _option(
        0, Spec("port", "port for the WebSocket", "listening", high=65535, nullable=True)
    )
    control_host: str = _option(
        "127.0.0.1", Spec("text", "address for the control port", "listening")
    )
    control_port: int | None = _option(
        0, Spec("port", "port for control", "listening", high=65535, nullable=True)
    )
    tls_cert: str | None = _option(
        None,
        Spec(
            "path",
            "certificate to use instead of a fresh self-signed one",
            "listening",
            nullable=True,
        ),
    )
    tls_key: str | None = _option(None, Spec("path", "its private key", "listening", nullable=True))
    model: str = _option("PVS6", Spec("choice", "which supervisor", "the PVS", choices=MODELS))
    firmware: int | None = _option(
        None,
        Spec(
            "int",
            "firmware build; default 61707, for a PVS5 5400",
            "the PVS",
            low=1,
            high=99_999,
            nullable=True,
        ),
    )
    serial: str | None = _option(
        None, Spec("text", "serial number; default from the seed", "the PVS", nullable=True)
    )
    panels: int = _option(24, Spec("int", "number of panels", "the plant", low=1, high=400))
    battery: bool = _option(default=False, spec=Spec("bool", "with a battery", "the plant"))
    battery_modules: int = _option(
        1, Spec("int", "modules of the battery, 15 characters of its serial number each",
                "the plant", low=1, high=8),
    )  # fmt: skip
    ghosts: int = _option(
        0, Spec("int", "entries in /vars for inverters that do not exist", "the plant", high=400)
    )
    seed: int = _option(1, Spec("int", "another seed, another plant", "the plant"))
    latitude: float = _option(
        36.7, Spec("float", "degrees north; the length of the day", "the plant", low=-60, high=60)
    )
    longitude: float = _option(
        -119.8, Spec("float", "degrees east; the hour of noon", "the plant", low=-180, high=180)
    )
    clock: float | None = _option(
        None,
        Spec(
            "instant",
            "`now` or an ISO instant to start at, UTC",
            "the plant",
            low=EARLIEST_CLOCK,
            nullable=True,
        ),
    )
    clock_scale: float = _option(
        1.0, Spec("float", "simulated seconds in a real second; 0 stands still", "the plant")
    )
    daylight: bool = _option(
        default=False,
        spec=Spec("bool", "the sun never sets: a plant at noon at any hour", "the plant"),
    )
    log: bool = _option(
        default=False, spec=Spec("bool", "one line on standard error for each request", "output")
    )
    log_size: int = _option(
        2000, Spec("int", "requests that the control port remembers", "output", high=1_000_000)
    )
    settings: Settings = dataclasses.field(default_factory=Settings)
    faults: tuple[Fault, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        _check_all(self)
        if self.clock is not None and not EARLIEST_CLOCK <= self.clock <= 4_102_444_800:
            raise OptionError(
                "clock",
                "the plant exists from 2025-01-02 to 2099; give an instant in between, or now",
            )
        if (self.tls_cert is None) != (self.tls_key is None):
            raise OptionError(
                "tls_key",
                "a certificate and its key belong together; "
                "give both of tls_cert and tls_key, or none",
            )
        if self.serial is not None and len(self.serial) < 5:
            raise OptionError(
                "serial",
                f"{self.serial!r} is too short; give 5 characters or "
                "more, the last five are the password",
            )
