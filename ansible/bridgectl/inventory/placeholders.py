"""Placeholders for secrets: of the same form as the real values, and never secret themselves.

They are constants, so that two results differ only if the configurations differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.parsing.vault import EncryptedString

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import UNUSABLE, Path
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import Option

TEXT = "placeholder-secret"
# `openssl passwd -5 -salt placeholder` of TEXT, so that a placeholder user can log in.
PASSWORD_HASH = "$5$placeholder$0hJv1Q3GWpk.OLhJFhHJzju.nMTiUON8RlLcbQqkNF1"  # noqa: S105 - not a secret
KEY = "5e" * 32
SSID = "placeholder-name"

USERS = {"placeholder": PASSWORD_HASH}
"""Replaces proxy_users if they cannot be read at all."""

URL = "json://placeholder-secret"
"""Replaces each of notify_urls."""

# Without a certificate of its own, the bridge makes one.
_BY_SUFFIX = {"certificate": "", "passphrase": TEXT, "password": TEXT, "psk": KEY, "ssid": SSID}
_USERS = "proxy_users"
_URLS = "notify_urls"


class NoPlaceholderError(Exception):
    """A value cannot be read, and has no placeholder.

    Args:
        path: of the value.
    """

    def __init__(self, path: Path) -> None:
        """Keep the path."""
        super().__init__(path)
        self.path = path


def without_secrets(raw: Any, rendered: Any, option: Option | None, path: Path) -> Any:  # noqa: ANN401 - any value
    """Replace the secrets in a value.

    Args:
        raw: the value as written.
        rendered: the same, rendered; UNUSABLE if it could not be read.
        option: its spec; None if it has none.
        path: its path.

    Raises:
        NoPlaceholderError: a value could not be read, and has no placeholder.
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
    if path[0] == _USERS:
        return USERS if len(path) == 1 else PASSWORD_HASH
    if path[0] == _URLS:
        return [URL] if len(path) == 1 else URL
    is_encrypted = rendered is UNUSABLE or isinstance(raw, EncryptedString)
    placeholder = _BY_SUFFIX.get(name.rpartition("_")[2])
    if (option is not None and option.secret) or (is_encrypted and placeholder is not None):
        # An empty secret means that there is none.
        return placeholder if rendered else rendered
    if rendered is UNUSABLE:
        raise NoPlaceholderError(path)
    return rendered


def _within(raw: Any, key: str | int) -> Any:  # noqa: ANN401 - any value
    if isinstance(raw, Mapping):
        return raw.get(key)
    if isinstance(raw, (list, tuple)) and isinstance(key, int) and key < len(raw):
        return raw[key]
    return None
