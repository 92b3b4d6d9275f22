"""What stands in the place of a secret: of the same kind, and nobody's.

So the rendered files have the form of the real ones, and can be shown to anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.parsing.vault import EncryptedString

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.findings import UNUSABLE, Path
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import Option

_BY_NAME = {
    "passphrase": "passphrase not shown",
    "password": "password not shown",
    "psk": "0123456789abcdef" * 4,
    "ssid": "name not shown",
}
# Of crypt's SHA-256 and SHA-512, by what such a hash begins with.
_HASHES = {"$5$": "$5$not.shown$" + "." * 43, "$6$": "$6$not.shown$" + "." * 86}
_HASHED = "proxy_users"


class NoStandInError(Exception):
    """A value is closed, and nothing could be put in its place.

    Args:
        path: where it stands.
    """

    def __init__(self, path: Path) -> None:
        """Keep the path."""
        super().__init__(path)
        self.path = path


def without_secrets(raw: Any, rendered: Any, option: Option | None, path: Path) -> Any:  # noqa: ANN401 - any value
    """Return a value with stand-ins for what must not be shown.

    Args:
        raw: as written.
        rendered: the same, rendered; UNUSABLE where it is closed.
        option: what the role's spec says of it; None where it says nothing.
        path: where it stands.

    Raises:
        NoStandInError: It is closed, and of no kind that has a stand-in.
    """
    name = str(path[-1])
    if isinstance(rendered, Mapping):
        options = option.options if option and option.options else {}
        return {
            key: without_secrets(_within(raw, key), value, options.get(key), (*path, key))
            for key, value in rendered.items()
        }
    if isinstance(rendered, (list, tuple)):
        return [
            without_secrets(_within(raw, index), value, option, (*path, index))
            for index, value in enumerate(rendered)
        ]
    if path[0] == _HASHED and len(path) > 1:
        return _HASHES.get(str(rendered)[:3], _HASHES["$6$"])
    is_encrypted = rendered is UNUSABLE or isinstance(raw, EncryptedString)
    stand_in = _BY_NAME.get(name.rpartition("_")[2])
    if (option is not None and option.secret) or (is_encrypted and stand_in is not None):
        # An empty one is none.
        return stand_in if rendered else rendered
    if rendered is UNUSABLE:
        raise NoStandInError(path)
    return rendered


def _within(raw: Any, key: str | int) -> Any:  # noqa: ANN401 - any value
    if isinstance(raw, Mapping):
        return raw.get(key)
    if isinstance(raw, (list, tuple)) and isinstance(key, int) and key < len(raw):
        return raw[key]
    return None
