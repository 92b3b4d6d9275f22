"""The options for vault passwords: those of ansible-playbook, so that ARGS can be the same."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from bridgectl.errors import CannotWorkError

if TYPE_CHECKING:
    from ansible.parsing.vault import VaultSecret

Password: TypeAlias = "Path | VaultSecret"  # noqa: S105 - a type
"""A file with a vault password, or the password itself."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options to a command."""
    parser.add_argument(
        "--vault-password-file",
        "--vault-pass-file",
        action="append",
        default=[],
        help="file with a vault password; may be repeated",
    )
    parser.add_argument("--vault-id", action="append", default=[], help="NAME@FILE, or NAME@prompt")
    parser.add_argument(
        "--ask-vault-password",
        "--ask-vault-pass",
        "-J",
        action="store_true",
        help="ask for the vault password",
    )


def passwords(chosen: argparse.Namespace) -> tuple[Password, ...]:
    """Return the chosen passwords; ask for one if that was chosen.

    Args:
        chosen: the parsed options.

    Raises:
        CannotWorkError: no password was typed.
    """
    # Ansible tries each password for each value, whatever the name before the @.
    by_name = [each.rpartition("@")[2] for each in chosen.vault_id]
    files = [*chosen.vault_password_file, *(each for each in by_name if each != "prompt")]
    asks = chosen.ask_vault_password or "prompt" in by_name
    return (*of_environment(), *map(Path, files), *([_typed()] if asks else []))


def of_environment() -> Sequence[Password]:
    """Return the file with a vault password that the environment names."""
    name = os.environ.get("ANSIBLE_VAULT_PASSWORD_FILE")
    return (Path(name),) if name else ()


def _typed() -> VaultSecret:
    # Imported here because loading Ansible takes half a second, which --help need not wait.
    from ansible.errors import AnsibleError
    from ansible.parsing.vault import PromptVaultSecret

    secret = PromptVaultSecret(prompt_formats=["Vault password: "])
    try:
        secret.load()
    except (AnsibleError, EOFError) as error:
        raise CannotWorkError(
            "no vault password was typed",
            "type it, or name its file with --vault-password-file",
        ) from error
    return secret
