"""The country whose radio rules apply, as people write it."""

from __future__ import annotations

import re

from pvs_bridge.boot_config.text_file import QUOTES

_CODE = re.compile(r"[A-Z]{2}|00", re.ASCII)
# What people write who mean one country only. GB and US: ISO 3166 knows no UK and no USA.
_MEANT = {
    "UK": "GB",
    "GREAT BRITAIN": "GB",
    "UNITED KINGDOM": "GB",
    "USA": "US",
    "UNITED STATES": "US",
    "AUSTRALIA": "AU",
    "CANADA": "CA",
    "CAN": "CA",
    "GERMANY": "DE",
    "DEU": "DE",
    "MEXICO": "MX",
    "MEX": "MX",
}


def code(written: str) -> str:
    """Return the ISO 3166 code that a person means; the text itself if it is not certain.

    Args:
        written: Such as ``us``, ``UK`` or ``"US" # home``.
    """
    meant = written.partition("#")[0].strip(f"{QUOTES} \t;,").upper().replace(".", "")
    meant = _MEANT.get(meant, meant)
    return meant if _CODE.fullmatch(meant) else written
