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
  - Where the root is locked, see the role C(appliance), it is unlocked before the first change,
    which takes a restart of the host.
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
          - For the state V(absent) it may be a pattern of the shell; a folder goes with all that is
            in it.
        type: str
        required: true
      state:
        description:
          - What is to be there.
          - The states V(block) and V(line) change a part of a file, and make the file when it is
            missing.
          - The state V(tree) makes the folder O(files[].dest) a copy of the folder O(files[].src).
            Files that are not in O(files[].src) are removed; Python's bytecode of the others stays.
            The texts are sent only where the host does not have them. Documentation, C(.md) and
            C(.png), is left out.
        type: str
        choices: [file, block, line, link, tree, absent]
        default: file
      content:
        description: >-
          What the file, the block or the line says; for the states of these names. An empty block
          is removed.
        type: str
      marker:
        description: >-
          Name of the block, in the comments before and behind it; for the state V(block).
        type: str
      retire_from:
        description: >-
          Regular expression for the first line of each section, outside of all blocks, that
          becomes a comment because the block takes its place; for the state V(block).
        type: str
      retire_until:
        description: Regular expression for the line that ends such a section; not part of it.
        type: str
      regexp:
        description: >-
          Regular expression for the line that is replaced, the last one that fits. Where none does,
          the line is added at the end. For the state V(line).
        type: str
      mode:
        description:
          - The file's mode, in octal digits.
          - A file of which a part is changed keeps its own mode, owner and group.
        type: str
        default: "0644"
      group:
        description: The file's group; the module's own user's one when it is not given.
        type: str
      src:
        description:
          - What the link leads to; for the state V(link).
          - The folder on the controller, looked up in the C(files) folder of the role; for V(tree).
        type: str
      members:
        description: The files of a tree. The action plugin sets it.
        type: list
        elements: dict
        default: []
        suboptions:
          path:
            description: The path below O(files[].dest).
            type: str
            required: true
          mode:
            description: The file's mode, in octal digits.
            type: str
            required: true
          sha256:
            description: The digest of the file's text.
            type: str
            required: true
          content:
            description: The text, where the host has asked for it.
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
        description: >-
          Whether the first file that is replaced is kept beside it as C(.before-pvs-bridge~), with
          its mode. Files that Ansible wrote are not kept, because they may contain old secrets;
          such ones that older versions kept are removed.
        type: bool
        default: false
      show_difference:
        description: Whether diff mode shows the text; not for secrets, nor for long programs.
        type: bool
        default: true
  rollback:
    description:
      - Has the host keep everything that decides how it is reached before the first change, and
        set a timer that puts it back, see the role C(rollback).
        M(pvs_bridge.core.commit_confirm) then carries the change out and confirms it.
      - Left out where the network does not change, and for an image that is being built.
    type: dict
    suboptions:
      id:
        description: Name of the change, the same for all tasks of a run.
        type: str
        required: true
      controller:
        description: Who makes the change, for a person to read.
        type: str
        required: true
      timeout_seconds:
        description: How long the change may stay unconfirmed.
        type: int
        required: true
      interfaces:
        description: Network interfaces that the change is about.
        type: list
        elements: str
        required: true
  unapplied:
    description:
      - Has the host keep the names of the changed paths until M(pvs_bridge.core.bridge_facts) is
        told that the run has applied them. A later run reports them as changed again, so a run that
        ends between a change and its handlers loses none of them.
      - The action plugin sets it from O(run) for a task that notifies handlers and has no
        O(rollback), which undoes a change that its handlers do not confirm.
    type: dict
    suboptions:
      name:
        description: Name of the task, the same in all runs.
        type: str
        required: true
      run:
        description: Name of the run.
        type: str
        required: true
  run:
    description: Name of the run, see O(unapplied). The play sets it for all tasks.
    type: str
attributes:
  action:
    description: Runs as an action plugin on the controller, which runs the module on the host.
    support: full
  async:
    description: Can be run in the background with C(async).
    support: none
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
  pvs_bridge.core.managed_files:
    files:
      - dest: /etc/program/program.conf
        content: "{{ lookup('ansible.builtin.template', 'etc/program/program.conf.j2') }}"
        validate: program --check %s
        backup: true
      - dest: /etc/program/part-*.conf
        state: absent
        keep: [/etc/program/part-1.conf]

- name: Give the host another name
  pvs_bridge.core.managed_files:
    files:
      - dest: /etc/hostname
        content: "garage\n"
      - dest: /etc/hosts
        state: line
        regexp: ^127\.0\.1\.1\b
        content: 127.0.1.1 garage
    rollback:
      id: 3f0c
      controller: anna@laptop
      timeout_seconds: 120
      interfaces: [eth0, wlan0]
"""

RETURN = r"""
missing_content:
  description: >-
    Paths of files of trees whose text is needed and was not sent. Nothing was changed then, and the
    action plugin runs the module again with the texts.
  returned: success
  type: list
  elements: str
  sample: []
digests:
  description: The digest of each tree, by its folder on the host.
  returned: success
  type: dict
  sample: {/usr/local/lib/program: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae}
changed_files:
  description: Paths that were changed, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [/etc/program/program.conf]
locked:
  description: >-
    Whether nothing was changed because the root is locked, which the action plugin then unlocks.
  returned: success
  type: bool
  sample: false
"""

import glob
import grp
import hashlib
import json
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

_FILE_OPTIONS = {
    "dest": {"type": "str", "required": True},
    "state": {
        "type": "str",
        "choices": ["file", "block", "line", "link", "tree", "absent"],
        "default": "file",
    },
    "content": {"type": "str"},
    "marker": {"type": "str"},
    "retire_from": {"type": "str"},
    "retire_until": {"type": "str"},
    "regexp": {"type": "str"},
    "mode": {"type": "str", "default": "0644"},
    "group": {"type": "str"},
    "src": {"type": "str"},
    "members": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "str", "required": True},
            "mode": {"type": "str", "required": True},
            "sha256": {"type": "str", "required": True},
            "content": {"type": "str"},
        },
    },
    "keep": {"type": "list", "elements": "str", "default": []},
    "validate": {"type": "str"},
    "backup": {"type": "bool", "default": False},
    "show_difference": {"type": "bool", "default": True},
}

# Memory over the root, which a restart forgets: what Debian's overlayroot lays.
_MOUNTS = Path("/proc/mounts")
_LOCKED = ["overlayroot", "/", "overlay"]

_ROLLBACK = ["/usr/local/bin/pvs-bridge", "rollback"]
_BYTECODE = "__pycache__"
_ROLLBACK_OPTIONS = {
    "id": {"type": "str", "required": True},
    "controller": {"type": "str", "required": True},
    "timeout_seconds": {"type": "int", "required": True},
    "interfaces": {"type": "list", "elements": "str", "required": True},
}

# Stays writable under a locked root. The module bridge_facts removes what a run has applied.
_UNAPPLIED = Path("/var/lib/pvs-bridge/unapplied")
_UNAPPLIED_OPTIONS = {
    "name": {"type": "str", "required": True},
    "run": {"type": "str", "required": True},
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


def with_block(text: str, wanted: dict[str, Any]) -> str:
    """Return a file's text with a block in it, at its old place or at the end.

    Args:
        text: the file's.
        wanted: an entry of ``files`` of the state block.
    """
    ends = [f"# {word} {wanted['marker']}" for word in ("BEGIN", "END")]
    content = _lines(wanted["content"])
    block = [ends[0], *content, ends[1]] if content else []
    lines = _lines(text)
    # An editor may have left white space behind them.
    found = [number for number, line in enumerate(lines) if line.rstrip() in ends]
    if [lines[number].rstrip() for number in found] == ends:
        lines[found[0] : found[1] + 1] = block
    else:
        # No block yet, or the user has removed one of its two lines: keep the lines around it.
        lines = [line for line in lines if line.rstrip() not in ends] + block
    if block and wanted["retire_from"]:
        lines = _retired(lines, wanted["retire_from"], wanted["retire_until"])
    return "\n".join(lines) + "\n"


def _lines(text: str) -> list[str]:
    """Split a text at its newlines only, so that its other characters stay as they are."""
    return text.removesuffix("\n").split("\n") if text else []


def _retired(lines: list[str], begin: str, end: str) -> list[str]:
    """Make comments of some sections, outside of all blocks."""
    result = []
    in_block = in_section = False
    for line in lines:
        if re.match(r"# (BEGIN|END) pvs-bridge: ", line):
            in_block, in_section = line.startswith("# BEGIN"), False
        elif not in_block and re.search(begin, line):
            in_section = True
        elif in_section and re.search(end, line):
            in_section = False
        is_comment = not line.strip() or line.lstrip().startswith("#")
        retire = in_section and not is_comment
        result.append(f"# replaced by pvs-bridge: {line}" if retire else line)
    return result


def with_line(text: str, wanted: dict[str, Any]) -> str:
    """Return a file's text with a line in it, in place of the one that fits, or at the end."""
    lines = _lines(text)
    fitting = [number for number, line in enumerate(lines) if re.search(wanted["regexp"], line)]
    if fitting:
        lines[fitting[-1]] = wanted["content"]
    else:
        lines.append(wanted["content"])
    return "\n".join(lines) + "\n"


# In files that this module has written, and in names of backup_local.
_OWN = r"(?m)^# (?:Ansible managed|BEGIN pvs-bridge: )"
_OLD_BACKUP = r"\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~$"

_PARTS = {"block": with_block, "line": with_line}


def _whole_files(files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Replace the entries for parts of files by one for each whole file."""
    texts: dict[str, str] = {}
    whole: dict[str, dict[str, Any]] = {}
    for wanted in files:
        key = wanted["dest"]
        if wanted["state"] in _PARTS:
            text = texts.get(key)
            if text is None:
                text = _read(Path(key)) or ""
            texts[key] = _PARTS[wanted["state"]](text, wanted)
            wanted = {**wanted, "state": "file", "content": texts[key], "is_part": True}
        else:
            key = f"{len(whole)}"
            wanted = {**wanted, "is_part": False}
        whole[key] = wanted
    return list(whole.values())


def _is_right(path: Path, wanted: dict[str, Any]) -> bool:
    """Tell whether a path is as wanted already."""
    if wanted["state"] == "link":
        return path.is_symlink() and os.readlink(path) == wanted["src"]  # noqa: PTH115 - as text
    if path.is_symlink() or not _has_text(path, wanted):
        return False
    found = path.stat()
    return (found.st_mode & 0o7777, found.st_uid, found.st_gid) == _rights(path, wanted)


def _has_text(path: Path, wanted: dict[str, Any]) -> bool:
    """Tell whether a file has the wanted text; of a tree's file, the digest is enough."""
    if "sha256" not in wanted:
        return bool(_read(path) == wanted["content"])
    try:
        return bool(hashlib.sha256(path.read_bytes()).hexdigest() == wanted["sha256"])
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return False


def _rights(path: Path, wanted: dict[str, Any]) -> tuple[int, int, int]:
    """Return the mode, owner and group that a file is to have.

    Raises:
        KeyError: There is no such group.
    """
    if wanted["is_part"] and path.is_file():
        found = path.stat()
        return found.st_mode & 0o7777, found.st_uid, found.st_gid
    return int(wanted["mode"], 8), os.geteuid(), _group(wanted)


def _group(wanted: dict[str, Any]) -> int:
    """Return the number of the group that a file is to have.

    Raises:
        KeyError: There is no such group.
    """
    return os.getegid() if wanted["group"] is None else grp.getgrnam(wanted["group"]).gr_gid


def _expanded(files: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Replace the entries for trees by one for each file: those to remove, then those to have."""
    for wanted in files:
        if wanted["state"] != "tree":
            if wanted["backup"]:
                yield from _old_backups(wanted)
            yield wanted
            continue
        root = Path(wanted["dest"])
        entry = {**wanted, "show_difference": False, "is_part": False}
        paths = {root / member["path"] for member in wanted["members"]}
        for path in _stale(root, paths):
            yield {**entry, "state": "absent", "dest": glob.escape(str(path))}
        for member in wanted["members"]:
            yield {**entry, **member, "state": "file", "dest": str(root / member["path"])}


def _is_own(path: Path) -> bool:
    return re.search(_OWN, _read(path) or "") is not None


def _old_backups(wanted: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return entries that remove the copies of own files, which older versions kept."""
    for found in glob.glob(f"{glob.escape(wanted['dest'])}.*~"):  # noqa: PTH207 - text
        if re.search(_OLD_BACKUP, found) and _is_own(Path(found)):
            yield {
                **wanted,
                "dest": glob.escape(found),
                "state": "absent",
                "show_difference": False,
                "is_part": False,
            }


def _stale(root: Path, wanted: set[Path]) -> Iterator[Path]:
    """Return what is in a folder and does not belong there: files, and folders as a whole."""
    folders = {folder for path in wanted for folder in path.parents}
    for path in sorted(root.iterdir()) if root.is_dir() and not root.is_symlink() else []:
        if path.is_dir() and not path.is_symlink():
            if path.name == _BYTECODE:
                modules = {one.stem for one in wanted if one.parent == root}
                yield from (one for one in path.iterdir() if one.name.split(".")[0] not in modules)
            elif path in folders:
                yield from _stale(path, wanted)
            else:
                yield path
        elif path not in wanted:
            yield path


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


def _lacks_text(change: Change) -> bool:
    """Tell whether a tree's file is to be written, and its text was not sent."""
    return change.wanted["state"] == "file" and change.wanted["content"] is None


def _difference(change: Change) -> dict[str, str]:
    """Return what to show of a change, in the form of Ansible's diff mode."""
    is_link = change.wanted["state"] == "link"
    before = "" if change.path.is_dir() else _read(change.path) or ""
    after = change.wanted["src"] if is_link else change.wanted["content"] or ""
    if is_link:
        before = str(change.path.readlink()) if change.path.is_symlink() else ""
    if not change.wanted["show_difference"]:
        before, after = (
            ("(old text, not shown)\n" if before else ""),
            ("(new text, not shown)\n" if after else ""),
        )
    path = str(change.path)
    # Results must be UTF-8.
    before, after = (
        text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        for text in (before, after)
    )
    return {"before_header": path, "after_header": path, "before": before, "after": after}


def _write_beside(change: Change) -> Path:
    """Write a file's new text onto the disk, into its folder, under another name."""
    folder = change.path.parent
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    # A name that no program takes for one of its own files, whatever pattern it looks for.
    handle, path = tempfile.mkstemp(prefix=".pvs-bridge-", suffix=".new", dir=folder)
    with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as output:
        output.write(change.wanted["content"])
        output.flush()
        os.fsync(output.fileno())
    mode, owner, group = _rights(change.path, change.wanted)
    os.chown(path, owner, group)
    Path(path).chmod(mode)
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


def _is_locked() -> bool:
    """Tell whether a restart would forget what is written now."""
    mounts = _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    return any(line.split()[:3] == _LOCKED for line in mounts)


def _unapplied_before(unapplied: dict[str, str] | None) -> list[str]:
    """Return the paths that an earlier run has changed, and whose handlers it did not run."""
    text = _read(_UNAPPLIED / f"{unapplied['name']}.json") if unapplied else None
    kept = json.loads(text) if text else {}
    return kept["files"] if kept and unapplied and kept["run"] != unapplied["run"] else []


def _keep_unapplied(unapplied: dict[str, str], names: list[str]) -> None:
    """Keep the changed paths on the disk, before the first of them changes."""
    _UNAPPLIED.mkdir(mode=0o755, parents=True, exist_ok=True)
    file = _UNAPPLIED / f"{unapplied['name']}.json"
    new = file.with_suffix(".new")
    with new.open("w", encoding="utf-8") as output:
        json.dump({"run": unapplied["run"], "files": names}, output)
        output.flush()
        os.fsync(output.fileno())
    new.replace(file)


def _arm(module: AnsibleModule, rollback: dict[str, Any]) -> None:
    """Have the host keep what it has; where it cannot, the module ends."""
    command = [*_ROLLBACK, "arm", "--id", rollback["id"], "--controller", rollback["controller"]]
    command += ["--timeout-seconds", str(rollback["timeout_seconds"])]
    command += ["--interfaces", ",".join(rollback["interfaces"])]
    status, output, errors = module.run_command(command)
    if status:
        module.fail_json(msg=(output or errors).strip())


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
            # A folder that is in the way of a file is a change of the same path, without a text.
            _put(module, change, news[change.path] if change.wanted["state"] == "file" else None)
    finally:
        for new in news.values():
            new.unlink(missing_ok=True)


def _put(module: AnsibleModule, change: Change, new: Path | None) -> None:
    """Bring one path into its wanted state."""
    if new is not None:
        if change.wanted["backup"]:
            _keep_original(module, change.path)
        new.replace(change.path)
        return
    if change.path.is_dir() and not change.path.is_symlink():
        shutil.rmtree(change.path)
    else:
        change.path.unlink(missing_ok=True)
    if change.wanted["state"] == "link":
        change.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        change.path.symlink_to(change.wanted["src"])


def _keep_original(module: AnsibleModule, path: Path) -> None:
    """Keep a file as it was before the bridge, once."""
    kept = path.with_name(f"{path.name}.before-pvs-bridge~")
    if path.is_file() and not kept.exists() and not _is_own(path):
        module.preserved_copy(str(path), str(kept))


class _Module(AnsibleModule):  # type: ignore[misc] # Ansible has no types
    """Returns no copy of its arguments: -vvv shows results, and the texts have secrets."""

    def exit_json(self, **result: Any) -> None:  # noqa: ANN401 - any value
        """End well."""
        super().exit_json(**result, invocation={})

    def fail_json(self, msg: str, **result: Any) -> None:  # noqa: ANN401 - any value
        """End with an error."""
        super().fail_json(msg, **result, invocation={})


def main() -> None:
    """Run the module."""
    module = _Module(
        argument_spec={
            "files": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": _FILE_OPTIONS,
                "required_if": [
                    ("state", "file", ["content"]),
                    ("state", "block", ["content", "marker"]),
                    ("state", "line", ["content", "regexp"]),
                    ("state", "link", ["src"]),
                    ("state", "tree", ["src", "members"]),
                ],
                "required_together": [("retire_from", "retire_until")],
            },
            "rollback": {"type": "dict", "options": _ROLLBACK_OPTIONS},
            "unapplied": {"type": "dict", "options": _UNAPPLIED_OPTIONS},
            "run": {"type": "str"},
        },
        supports_check_mode=True,
    )
    try:
        changes = _changes(list(_expanded(_whole_files(module.params["files"]))))
    except KeyError as error:
        module.fail_json(msg=f"group {error} does not exist: install the package that makes it")
    diff = [_difference(change) for change in changes]
    missing = [str(each.path) for each in changes if _lacks_text(each)]
    if missing and not module.check_mode:
        module.exit_json(changed=False, changed_files=[], locked=False, missing_content=missing)
    unapplied = module.params["unapplied"]
    names = [str(change.path) for change in changes]
    names += [name for name in _unapplied_before(unapplied) if name not in names]
    locked = bool(changes) and not module.check_mode and _is_locked()
    if names and not module.check_mode and not locked:
        if changes and module.params["rollback"]:
            _arm(module, module.params["rollback"])
        if unapplied:
            _keep_unapplied(unapplied, names)
        _apply(module, changes)
    module.exit_json(
        changed=bool(names), changed_files=names, diff=diff, locked=locked, missing_content=[]
    )


if __name__ == "__main__":
    main()
