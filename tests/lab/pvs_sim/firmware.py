"""What a firmware build decides: which API answers, and what it says about itself."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_BUILDS = {"PVS6": 61707, "PVS5": 5400}
FIRST_LOCKED = {"PVS6": 61840, "PVS5": 5408}
FIRST_NEW_API = {"PVS6": 61839, "PVS5": 5408}
FIRST_SESSION_COOKIE = {"PVS6": 61846}
EMPTY_INFO = ("PVS5", 5408)
RANDOM_403_BUILDS = range(61827, 61830)
BR_HANG_BUILD = 61707

# First build of each release, its name, and the day and time at which it was built.
_RELEASES = (
    (0, "2019.5", "2019.05.20", "May 20 2019 10:12:41"),
    (41000, "2021.9", "2021.09.14", "Sep 14 2021 09:30:18"),
    (61000, "2023.11", "2023.11.06", "Nov  6 2023 14:02:55"),
    (61600, "2024.2", "2024.02.12", "Feb 12 2024 08:47:03"),
    (61700, "2024.6", "2024.06.10", "Jun 10 2024 16:20:37"),
    (61800, "2025.04", "2025.04.07", "Apr  7 2025 11:05:29"),
    (61830, "2025.06", "2025.06.16", "Jun 16 2025 13:44:10"),
    (61846, "2025.10", "2025.10.13", "Oct 13 2025 07:58:46"),
)


@dataclass(frozen=True)
class Firmware:
    """One build on one model.

    Attributes:
        model: PVS6 or PVS5.
        build: The build number.
    """

    model: str
    build: int

    @property
    def locked(self) -> bool:
        """The old API answers 403."""
        return self.build >= FIRST_LOCKED[self.model]

    @property
    def has_new_api(self) -> bool:
        """There are /auth and /vars."""
        return self.build >= FIRST_NEW_API[self.model]

    @property
    def session_cookie(self) -> bool:
        """A login sets a cookie."""
        return self.build >= FIRST_SESSION_COOKIE.get(self.model, 100_000)

    @property
    def empty_info(self) -> bool:
        """The answer of supervisor/info describes nothing."""
        return (self.model, self.build) == EMPTY_INFO

    @property
    def has_websocket(self) -> bool:
        """The model has a WebSocket at all."""
        return self.model == "PVS6"

    @property
    def random_403(self) -> float:
        """Chance of a 403 from the open old API, until the next restart."""
        return 0.25 if self.model == "PVS6" and self.build in RANDOM_403_BUILDS else 0.0

    @property
    def br_hang(self) -> bool:
        """The old API never answers a client that offers br."""
        return self.build == BR_HANG_BUILD

    @property
    def server(self) -> str:
        """The Server header."""
        recent = self.model == "PVS6" and self.build >= 41000
        return "lighttpd/1.4.51" if recent else "lighttpd/1.4.35"

    @property
    def version(self) -> str:
        """SWVER of the old API, such as `2024.6, Build 61707`."""
        return f"{self._release()[1]}, Build {self.build}"

    @property
    def revision(self) -> str:
        """The variable sw_rev of the new API, such as `2025.10.13.61846`."""
        return f"{self._release()[2]}.{self.build}"

    @property
    def built(self) -> str:
        """The header dlcgi-build-time."""
        return self._release()[3]

    def _release(self) -> tuple[int, str, str, str]:
        if self.model == "PVS5":
            return _RELEASES[-1] if self.locked else _RELEASES[4]
        return [release for release in _RELEASES if release[0] <= self.build][-1]
