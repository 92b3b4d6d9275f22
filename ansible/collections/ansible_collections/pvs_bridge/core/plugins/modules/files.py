#!/usr/bin/python
"""Put several files in place in one round trip, all of them or none."""

# ruff: noqa: E402 - Ansible wants a module's documentation before its imports

from __future__ import annotations

DOCUMENTATION = r"""
module: files
author: The pvs-bridge authors
version_added: "0.1.0"
short_description: Put several files in place, all of them or none
description:
  - Brings files, symbolic links and their folders into the wanted state in one round trip. What
    M(ansible.builtin.template), M(ansible.builtin.copy) and M(ansible.builtin.file) need two round
    trips a file for.
  - Every file that has a checker is checked before the first one is replaced, so that a run that
    fails has changed nothing.
options:
  files:
    description: The files, in the order in which they are put in place.
    type: list
    elements: dict
    required: true
    suboptions:
      dest:
        description:
          - Absolute path on the host. Folders above it are made when they are missing.
          - For the state V(absent) it may be a pattern of the shell.
        type: str
        required: true
      state:
        description: What is to be there.
        type: str
        choices: [file, link, absent]
        default: file
      content:
        description: What the file says; for the state V(file).
        type: str
      mode:
        description: The file's mode, in octal digits.
        type: str
        default: "0644"
      group:
        description: The file's group; the module's own user's one when it is not given.
        type: str
      src:
        description: What the link leads to; for the state V(link).
        type: str
      keep:
        description: Paths that stay although the pattern fits; for the state V(absent).
        type: list
        elements: str
        default: []
      validate:
        description: >-
          Command that says by its exit status whether the file is right. C(%s) stands for the path
          of the file as it will be.
        type: str
      backup:
        description: Whether a file that is replaced is kept under a name with the time in it.
        type: bool
        default: false
      show_difference:
        description: Whether diff mode shows the text; not for secrets, nor for long programs.
        type: bool
        default: true
attributes:
  check_mode:
    description: Can say what it would change without changing it. Checkers are not run then.
    support: full
  diff_mode:
    description: Shows the difference that a change makes.
    support: full
  platform:
    description: Systems that it can be used for.
    support: full
    platforms: posix
"""

EXAMPLES = r"""
- name: Configure a program
  pvs_bridge.core.files:
    files:
      - dest: /etc/program/program.conf
        content: "{{ lookup('ansible.builtin.template', 'etc/program/program.conf.j2') }}"
        validate: program --check %s
        backup: true
      - dest: /etc/program/part-*.conf
        state: absent
        keep: [/etc/program/part-1.conf]
"""

RETURN = r"""
changed_files:
  description: Paths that were changed, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [/etc/program/program.conf]
"""

import glob
import grp
import os
import shlex
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

_FILE_OPTIONS = {
    "dest": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["file", "link", "absent"], "default": "file"},
    "content": {"type": "str"},
    "mode": {"type": "str", "default": "0644"},
    "group": {"type": "str"},
    "src": {"type": "str"},
    "keep": {"type": "list", "elements": "str", "default": []},
    "validate": {"type": "str"},
    "backup": {"type": "bool", "default": False},
    "show_difference": {"type": "bool", "default": True},
}


@dataclass(frozen=True)
class Change:
    """One path that is not as wanted.

    Attributes:
        path: what to change.
        wanted: the entry of ``files`` that wants it changed.
    """

    path: Path
    wanted: dict[str, Any]


def _read(path: Path) -> str | None:
    """Return a file's text, None where there is no file."""
    try:
        # Line ends as they are: a file may need others than Linux's.
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _is_right(path: Path, wanted: dict[str, Any]) -> bool:
    """Tell whether a path is as wanted already."""
    if wanted["state"] == "link":
        return path.is_symlink() and os.readlink(path) == wanted["src"]  # noqa: PTH115 - as text
    if path.is_symlink() or _read(path) != wanted["content"]:
        return False
    found = path.stat()
    owner = (found.st_uid, found.st_gid)
    return (found.st_mode & 0o7777, owner) == (
        int(wanted["mode"], 8),
        (os.geteuid(), _group(wanted)),
    )


def _group(wanted: dict[str, Any]) -> int:
    """Return the number of the group that a file is to have.

    Raises:
        KeyError: There is no such group.
    """
    return os.getegid() if wanted["group"] is None else grp.getgrnam(wanted["group"]).gr_gid


def _changes(files: list[dict[str, Any]]) -> list[Change]:
    """Return what is not as wanted."""
    found = []
    for wanted in files:
        path = Path(wanted["dest"])
        if wanted["state"] == "absent":
            fitting = glob.glob(wanted["dest"])  # noqa: PTH207 - the pattern is absolute
            found += [
                Change(Path(one), wanted) for one in sorted(fitting) if one not in wanted["keep"]
            ]
        elif not _is_right(path, wanted):
            found.append(Change(path, wanted))
    return found


def _difference(change: Change) -> dict[str, str]:
    """Return what to show of a change, in the form of Ansible's diff mode."""
    is_link = change.wanted["state"] == "link"
    before = _read(change.path) or ""
    after = change.wanted["src"] if is_link else change.wanted["content"] or ""
    if is_link:
        before = str(change.path.readlink()) if change.path.is_symlink() else ""
    if not change.wanted["show_difference"]:
        before, after = (
            ("(old text, not shown)\n" if before else ""),
            ("(new text, not shown)\n" if after else ""),
        )
    path = str(change.path)
    return {"before_header": path, "after_header": path, "before": before, "after": after}


def _write_beside(change: Change) -> Path:
    """Write a file's new text onto the disk, into its folder, under another name."""
    folder = change.path.parent
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    # A name that no program takes for one of its own files, whatever pattern it looks for.
    handle, path = tempfile.mkstemp(prefix=".pvs-bridge-", suffix=".new", dir=folder)
    with os.fdopen(handle, "w", encoding="utf-8") as output:
        output.write(change.wanted["content"])
        output.flush()
        os.fsync(output.fileno())
    os.chown(path, -1, _group(change.wanted))
    Path(path).chmod(int(change.wanted["mode"], 8))
    return Path(path)


def _check(module: AnsibleModule, change: Change, new: Path) -> None:
    """Have a new file checked; a file that is refused ends the module."""
    if not change.wanted["validate"]:
        return
    command = [word.replace("%s", str(new)) for word in shlex.split(change.wanted["validate"])]
    status, output, errors = module.run_command(command)
    if status:
        said = (errors or output).strip().replace(str(new), str(change.path))
        module.fail_json(
            msg=f"{change.path} was refused by {command[0]}, so nothing was changed: {said}"
        )


def _apply(module: AnsibleModule, changes: list[Change]) -> None:
    """Write and check every new file, then put all in place."""
    news = {}
    try:
        for change in changes:
            if change.wanted["state"] == "file":
                news[change.path] = _write_beside(change)
        for change in changes:
            if change.path in news:
                _check(module, change, news[change.path])
        for change in changes:
            _put(module, change, news.get(change.path))
    finally:
        for new in news.values():
            new.unlink(missing_ok=True)


def _put(module: AnsibleModule, change: Change, new: Path | None) -> None:
    """Bring one path into its wanted state."""
    if new is not None:
        if change.wanted["backup"] and change.path.exists():
            module.backup_local(str(change.path))
        new.replace(change.path)
        return
    change.path.unlink(missing_ok=True)
    if change.wanted["state"] == "link":
        change.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        change.path.symlink_to(change.wanted["src"])


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "files": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": _FILE_OPTIONS,
                "required_if": [("state", "file", ["content"]), ("state", "link", ["src"])],
            }
        },
        supports_check_mode=True,
    )
    try:
        changes = _changes(module.params["files"])
    except KeyError as error:
        module.fail_json(msg=f"group {error} does not exist: install the package that makes it")
    diff = [_difference(change) for change in changes]
    if not module.check_mode:
        _apply(module, changes)
    names = [str(change.path) for change in changes]
    module.exit_json(changed=bool(changes), changed_files=names, diff=diff)


if __name__ == "__main__":
    main()
