"""Why there is no answer, in words for the home, and what helps."""

from __future__ import annotations


class Trouble(Exception):  # noqa: N818 - it is what the home is told, not a fault of the program
    """No reading can be had now.

    Attributes:
        status: The HTTP status that says so.
        error: What is wrong.
        hint: What helps.
        retry_seconds: When a program may ask again; 0: never, for it would not help.
    """

    status = 503

    def __init__(self, error: str, hint: str, retry_seconds: int = 15) -> None:
        """Remember the words."""
        super().__init__(error)
        self.error = error
        self.hint = hint
        self.retry_seconds = retry_seconds


class SilentError(Trouble):
    """The PVS, or haproxy on its behalf, has not answered."""

    def __init__(self) -> None:
        """Say so in the words that haproxy uses."""
        super().__init__(
            "The PVS does not answer: most likely it is restarting.",
            "Wait: a restart takes 8 to 10 minutes. The bridge sees by itself when it is back.",
        )


class DamagedError(Trouble):
    """What came is not what a PVS says when it is well."""

    def __init__(self, seen: str) -> None:
        """Remember what was seen."""
        super().__init__(
            f"The PVS's answer arrived damaged: {seen}.",
            "Ask again in a minute. If it stays so, switch the PVS's breaker off for one minute.",
            60,
        )


class RefusedError(Trouble):
    """The PVS does not let the bridge in."""

    def __init__(self, retry_seconds: int) -> None:
        """Say what the password is."""
        super().__init__(
            "The PVS refused the owner's password.",
            "It is the end of the PVS's serial number unless somebody has changed it: then set "
            "compat_password and provision again.",
            retry_seconds,
        )


class ShutOutError(Trouble):
    """The PVS lets the bridge in and then shows it nothing."""

    def __init__(self, retry_seconds: int) -> None:
        """Say what was tried."""
        super().__init__(
            "The PVS ends the bridge's sessions before anything can be read.",
            "Wait 10 minutes; if it stays so, switch the PVS's breaker off for one minute.",
            retry_seconds,
        )


class OldFirmwareError(Trouble):
    """There is nothing to translate."""

    def __init__(self) -> None:
        """Say what the bridge would need."""
        super().__init__(
            "The PVS's firmware has no /auth and /vars, so there is nothing to translate.",
            "Set compat_mode to auto, or leave it out, and provision again.",
            300,
        )


class UntranslatableError(Trouble):
    """The newer API has nothing that the answer could be made of."""

    status = 404

    def __init__(self) -> None:
        """Say what there is."""
        super().__init__(
            "The PVS's firmware no longer answers this, and the bridge cannot answer it instead.",
            "Ask for DeviceList, Get_Comm or energy-storage-system/status.",
            0,
        )
