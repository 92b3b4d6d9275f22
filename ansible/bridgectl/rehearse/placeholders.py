"""Secrets replaced by others of the same kind: a twin needs some, and not the bridge's own.

They are always the same, so that two rehearsals differ in nothing but the description.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.parsing.vault import EncryptedString

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import Option

TEXT = "only-for-rehearsals"
# `openssl passwd -5 -salt rehearsal` of TEXT: who has a name and a stand-in password gets in.
PASSWORD_HASH = "$5$rehearsal$dTJs4.mun9RfhXsqT92qAIvsWGuyQ.9QCeuungzLlRB"  # noqa: S105 - no secret
KEY = "5e" * 32

# A twin's PVS is simulated, and has the password that a PVS is made with: it needs none.
_OWNER = "compat_password"

# One value of a secret mapping, which has names and password hashes.
_HASH = Option(secret=True)


def without_secrets(
    variables: Mapping[str, Any], options: Mapping[str, Option], *, plain_too: bool
) -> dict[str, Any]:
    """Put stand-ins in the place of a bridge's secrets.

    Args:
        variables: by name, as written or rendered. What the roles do not know stays as it is.
        options: what the roles say about them.
        plain_too: whether secrets that stand in clear text are replaced; not so while mistakes
            in them can still be found.
    """
    return {
        name: _replaced(value, options[name], name, plain_too) if name in options else value
        for name, value in variables.items()
    }


def _replaced(value: Any, option: Option, key: str, plain_too: bool) -> Any:  # noqa: ANN401 - any value
    if isinstance(value, Mapping):
        return {
            name: _replaced(item, _within(option, name), name, plain_too)
            for name, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_replaced(item, option, key, plain_too) for item in value]
    # A mapping of secrets that a template stands for is looked into when it is rendered. What is
    # empty is no secret, and what is no text is a mistake to be found.
    is_secret = option.secret and option.type == "str" and _is_text(value)
    if not is_secret or not (plain_too or _is_hidden(value)):
        return value
    if option is _HASH:
        return PASSWORD_HASH
    if key == _OWNER:
        return ""
    return KEY if key == "psk" else TEXT


def _within(option: Option, name: str) -> Option:
    """Return what is known about a key of a mapping, or of each mapping in a list."""
    if option.options is None:
        return _HASH if option.secret else Option()
    return option.options.get(name, Option())


def _is_text(value: Any) -> bool:  # noqa: ANN401 - any value
    return isinstance(value, EncryptedString) or (isinstance(value, str) and value != "")


def _is_hidden(value: Any) -> bool:  # noqa: ANN401 - any value
    """Tell whether a text is only found out with a password, or from somewhere else."""
    return isinstance(value, EncryptedString) or "{{" in value or "{%" in value
