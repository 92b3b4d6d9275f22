"""Files on the boot partition that the bridge does not read, although a person expects it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pvs_bridge.errors import Issue, Location

_OF_RASPBERRY_PI_OS = frozenset({"custom.toml", "firstrun.sh", "rpi-preseed.toml"})
_PRIVATE_KEY = re.compile(r"id_(rsa|dsa|ecdsa|ed25519)(_sk)?|.*\.(ppk|pem)", re.IGNORECASE)


def issues(names: Iterable[str]) -> list[Issue]:
    """Return an issue for each such file.

    Args:
        names: The names of all files on the boot partition.
    """
    found = []
    for name in names:
        if name.lower() in _OF_RASPBERRY_PI_OS:
            found.append(
                Issue(
                    "only Raspberry Pi OS reads this file",
                    "open the bridge's manifest in Raspberry Pi Imager before you enter your "
                    "settings, or write them into pvs-bridge.yml",
                    Location(name),
                )
            )
        elif _PRIVATE_KEY.fullmatch(name):
            found.append(
                Issue(
                    "is a private key, which must stay on your computer",
                    "remove it from the card, and copy the file of the same name that ends with "
                    ".pub",
                    Location(name),
                )
            )
    return found
