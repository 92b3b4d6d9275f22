"""Why there is no answer from the PVS, and what helps."""

from __future__ import annotations

from pvs_bridge.errors import IssueError

CERTIFICATE_CHANGED = (
    "The PVS's certificate has changed. After a firmware update, or with another PVS, this is "
    "normal; otherwise another device answers in its place. To accept the certificate, remove "
    "/var/lib/pvs-bridge-compat/certificate on the Pi and restart pvs-bridge-compat."
)

POWER_CYCLE = (
    "switch the PVS's breaker off for one minute; a PVS with a SunVault is fed by DC too, so "
    "follow the SunVault's manual instead, and never unplug its cable from LAN1"
)
"""How to restart a PVS. Its port LAN1 is the SunVault's: without that cable, the battery is off."""


class PvsError(IssueError):
    """There is no reading now.

    Attributes:
        status: The HTTP status for clients.
        retry_seconds: When a client may ask again; 0: never, because it would not help.
    """

    status = 503

    def __init__(self, problem: str, hint: str, retry_seconds: int = 15) -> None:
        """Make the issue."""
        super().__init__(problem, hint)
        self.retry_seconds = retry_seconds


class SilentError(PvsError):
    """The PVS, or haproxy on its behalf, has not answered."""

    def __init__(self) -> None:
        """Use haproxy's words for the same problem."""
        super().__init__(
            "The PVS does not respond. It is probably restarting.",
            "Wait. A restart takes 8 to 10 minutes. The bridge detects when the PVS is back.",
        )


class DamagedError(PvsError):
    """The answer is damaged, or has a form that a healthy PVS does not send."""

    def __init__(self, seen: str) -> None:
        """Add what was seen."""
        super().__init__(
            f"The PVS's answer is damaged: {seen}.",
            f"Ask again in a minute. If it persists, {POWER_CYCLE}.",
            60,
        )


class RefusedError(PvsError):
    """The PVS refuses the login."""

    def __init__(self, retry_seconds: int) -> None:
        """Add when the bridge tries again."""
        super().__init__(
            "The PVS refused the owner's password.",
            "The password is the end of the PVS's serial number unless it was changed: then set "
            "compat_password and provision again.",
            retry_seconds,
        )


class ShutOutError(PvsError):
    """The PVS accepts the login and then shows nothing."""

    def __init__(self, retry_seconds: int) -> None:
        """Add when the bridge tries again."""
        super().__init__(
            "The PVS ends the bridge's sessions before anything can be read.",
            f"Wait 10 minutes. If it persists, {POWER_CYCLE}.",
            retry_seconds,
        )


class OldFirmwareError(PvsError):
    """The firmware does not have the new API."""

    def __init__(self) -> None:
        """Name the variable to change."""
        super().__init__(
            "The PVS's firmware does not have /auth and /vars, which the compat service reads.",
            "Set compat_mode to auto, which is the default, and provision again.",
            300,
        )


class UntranslatableError(PvsError):
    """The new API has no data for this request of the old API."""

    status = 404

    def __init__(self) -> None:
        """Name the requests that are answered."""
        super().__init__(
            "The PVS's firmware no longer answers this request, and the bridge cannot answer it.",
            "Ask for DeviceList, Get_Comm or energy-storage-system/status.",
            0,
        )


class QueryError(PvsError):
    """A request of /vars that cannot be answered."""

    status = 400

    def __init__(self, why: str) -> None:
        """Say what is wrong with it."""
        super().__init__(
            f"This request of /vars cannot be answered: {why}.",
            "Ask for variables by name, such as name=/sys/info/model, or by match=/sys/devices/.",
            0,
        )


class ListRefusedError(PvsError):
    """The PVS refuses DeviceList, from which variables are made."""

    def __init__(self) -> None:
        """Name what helps."""
        super().__init__(
            "The PVS refuses its device list, and its firmware does not have /vars.",
            f"To end this, {POWER_CYCLE}.",
            60,
        )


class LoginError(PvsError):
    """A client has no session, or has not shown the password."""

    status = 401

    def __init__(self, problem: str, hint: str) -> None:
        """Take both from the place that judges."""
        super().__init__(problem, hint, 0)


class TooManyLoginsError(PvsError):
    """Too many wrong passwords wait for their refusal."""

    status = 429

    def __init__(self) -> None:
        """Say so."""
        super().__init__(
            "Too many logins with a wrong password are waiting.",
            "Find the program that sends them, and correct its password.",
            60,
        )


class LiveDataError(PvsError):
    """The PVS does not accept the connection for live data, or is silent on it."""

    def __init__(self) -> None:
        """Name the reasons."""
        super().__init__(
            "The PVS does not send live data.",
            "A PVS6 sends them; from build 61840 on, compat_live_data_enabled switches them on. A "
            "PVS5 does not have any. If the PVS restarts, wait 10 minutes.",
            60,
        )
