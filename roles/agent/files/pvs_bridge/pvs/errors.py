"""Why the PVS gives no reading, as the compat service tells its clients."""

from __future__ import annotations

from pvs_bridge.errors import IssueError


class PvsError(IssueError):
    """There is no reading now.

    Attributes:
        status: The HTTP status of the response.
        retry_seconds: When a client may ask again; 0: never, because it would not help.
    """

    status = 503

    def __init__(self, problem: str, hint: str, retry_seconds: int = 15) -> None:
        """Make the error; see :class:`pvs_bridge.errors.Issue`."""
        super().__init__(problem, hint)
        self.retry_seconds = retry_seconds


class SilentError(PvsError):
    """The PVS, or haproxy on its behalf, has not answered."""

    def __init__(self) -> None:
        """Make the error with the same words as haproxy."""
        super().__init__(
            "The PVS does not respond. It is probably restarting.",
            "Wait. A restart takes 8 to 10 minutes. The bridge detects when the PVS is back.",
        )


class DamagedError(PvsError):
    """The PVS's answer is not valid."""

    def __init__(self, seen: str) -> None:
        """Make the error of an answer in which this was seen."""
        super().__init__(
            f"The PVS's answer is damaged: {seen}.",
            "Ask again in a minute. If it persists, switch the PVS's breaker off for one minute.",
            60,
        )


class RefusedError(PvsError):
    """The PVS refuses the password."""

    def __init__(self, retry_seconds: int) -> None:
        """Make the error; the hint says what the password is."""
        super().__init__(
            "The PVS refused the owner's password.",
            "It is the end of the PVS's serial number unless it was changed: then set "
            "compat_password and provision again.",
            retry_seconds,
        )


class ShutOutError(PvsError):
    """The PVS accepts each login, but ends the session at once."""

    def __init__(self, retry_seconds: int) -> None:
        """Make the error."""
        super().__init__(
            "The PVS ends the bridge's sessions before anything can be read.",
            "Wait 10 minutes; if it persists, switch the PVS's breaker off for one minute.",
            retry_seconds,
        )


class OldFirmwareError(PvsError):
    """The PVS has no new API."""

    def __init__(self) -> None:
        """Make the error."""
        super().__init__(
            "The PVS's firmware has no /auth and /vars, so there is nothing to translate.",
            "Set compat_mode to auto, or leave it out, and provision again.",
            300,
        )


class UntranslatableError(PvsError):
    """The new API does not have the data of this answer."""

    status = 404

    def __init__(self) -> None:
        """Make the error; the hint names what is available."""
        super().__init__(
            "The PVS's firmware no longer answers this, and the bridge cannot answer it instead.",
            "Ask for DeviceList, Get_Comm or energy-storage-system/status.",
            0,
        )
