"""The state tree: a folder on the host becomes a copy of a folder of the role."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from unit.managed_files.running import put

from ansible_collections.pvs_bridge.core.plugins.action import managed_files as action

LOCKED = "overlayroot / overlay rw,lowerdir=/media/root-ro 0 0\n"


class Action(action.ActionModule):
    """The action plugin, with the module in a process of its own in the place of a host."""

    def __init__(self, source: Path, dest: Path, *, check: bool = False, **module: Any) -> None:  # noqa: ANN401 - options of put
        """Copy a folder.

        Args:
            source: the folder on the controller.
            dest: the folder on the host.
            check: whether in check mode.
            module: options of put.
        """
        self.source = source
        self.check = check
        self.module = module
        self.sent: list[list[str]] = []
        entry = {"dest": str(dest), "state": "tree", "src": source.name}
        self._task = SimpleNamespace(args={"files": [entry]}, notify=None)

    def _find_needle(self, folder: str, name: str) -> str:
        assert (folder, name) == ("files", self.source.name)
        return str(self.source)

    def _execute_module(self, **call: Any) -> dict[str, Any]:  # noqa: ANN401 - as Ansible calls it
        assert call["module_name"] == "pvs_bridge.core.managed_files"
        files = call["module_args"]["files"]
        self.sent.append([each["path"] for each in files[0]["members"] if "content" in each])
        return put(*files, check=self.check, **self.module)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A package of two modules and a command."""
    folder = tmp_path / "source/agent"
    (folder / "health").mkdir(parents=True)
    (folder / "__main__.py").write_text("print('ü')\n")
    (folder / "__main__.py").chmod(0o755)
    (folder / "health/checks.py").write_text("checks = 1\n")
    return folder


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    """Where it is to be on the host."""
    return tmp_path / "host/lib/agent"


def copy(source: Path, dest: Path, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - of Action
    return Action(source, dest, **options)._put({})


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_tree_that_is_not_there_yet_is_made(source: Path, dest: Path) -> None:
    result = copy(source, dest)
    assert contents(dest) == contents(source)
    assert (dest / "__main__.py").stat().st_mode & 0o777 == 0o755
    assert (dest / "health/checks.py").stat().st_mode & 0o777 == 0o644
    assert result["changed"]
    assert sorted(result["changed_files"]) == [
        str(dest / "__main__.py"), str(dest / "health/checks.py"),
    ]  # fmt: skip


def test_a_tree_as_wanted_stays_and_no_text_is_sent(source: Path, dest: Path) -> None:
    copy(source, dest)
    again = Action(source, dest)
    result = again._put({})
    assert not result["changed"]
    assert again.sent == [[]]


def test_only_the_text_of_a_changed_file_is_sent(source: Path, dest: Path) -> None:
    copy(source, dest)
    (source / "health/checks.py").write_text("checks = 2\n")
    second = Action(source, dest)
    result = second._put({})
    assert second.sent == [[], ["health/checks.py"]]
    assert result["changed_files"] == [str(dest / "health/checks.py")]
    assert contents(dest) == contents(source)


def test_a_file_edited_on_the_host_is_restored(source: Path, dest: Path) -> None:
    copy(source, dest)
    (dest / "__main__.py").write_text("print('x')\n")
    assert copy(source, dest)["changed"]
    assert contents(dest) == contents(source)


@pytest.mark.parametrize("instead", ["link", "folder"])
def test_what_stands_in_the_place_of_a_file_is_replaced(
    source: Path, dest: Path, instead: str
) -> None:
    copy(source, dest)
    file = dest / "__main__.py"
    file.unlink()
    if instead == "link":
        file.symlink_to(source / "__main__.py")
    else:
        file.mkdir()
    copy(source, dest)
    assert not file.is_symlink()
    assert contents(dest) == contents(source)


def test_a_wrong_mode_is_corrected(source: Path, dest: Path) -> None:
    copy(source, dest)
    (dest / "__main__.py").chmod(0o644)
    assert copy(source, dest)["changed_files"] == [str(dest / "__main__.py")]
    assert (dest / "__main__.py").stat().st_mode & 0o777 == 0o755


def test_files_and_folders_that_the_tree_no_longer_has_are_removed(
    source: Path, dest: Path
) -> None:
    (source / "old").mkdir()
    (source / "old/gone.py").touch()
    (source / "health/gone [1].py").touch()
    copy(source, dest)
    (dest / "by-hand").symlink_to("/nowhere")
    shutil.rmtree(source / "old")
    (source / "health/gone [1].py").unlink()
    result = copy(source, dest)
    assert sorted(result["changed_files"]) == sorted(
        str(dest / name) for name in ("old", "health/gone [1].py", "by-hand")
    )
    assert contents(dest) == contents(source)
    assert not (dest / "old").exists()
    assert not (dest / "by-hand").is_symlink()


def test_bytecode_stays_with_its_module_and_goes_with_it(source: Path, dest: Path) -> None:
    (source / "health/gone.py").touch()
    copy(source, dest)
    cache = dest / "health/__pycache__"
    cache.mkdir()
    for name in ("checks", "gone"):
        (cache / f"{name}.cpython-313.pyc").touch()
    assert not copy(source, dest)["changed"]
    (source / "health/gone.py").unlink()
    copy(source, dest)
    assert [each.name for each in cache.iterdir()] == ["checks.cpython-313.pyc"]


def test_bytecode_and_documentation_on_the_controller_are_not_sent(
    source: Path, dest: Path
) -> None:
    (source / "README.md").write_text("# agent\n")
    (source / "page.png").write_bytes(b"\x89PNG")
    (source / "__pycache__").mkdir()
    (source / "__pycache__/__main__.cpython-311.pyc").write_bytes(b"\xff")
    copy(source, dest)
    assert {path.name for path in dest.iterdir()} == {"__main__.py", "health"}


def test_check_mode_names_the_changes_and_makes_none(source: Path, dest: Path) -> None:
    copy(source, dest)
    (source / "health/checks.py").write_text("checks = 2\n")
    (dest / "stale.py").touch()
    before = contents(dest)
    checked = Action(source, dest, check=True)
    result = checked._put({})
    assert result["changed"]
    assert sorted(result["changed_files"]) == [
        str(dest / "health/checks.py"), str(dest / "stale.py"),
    ]  # fmt: skip
    assert contents(dest) == before
    assert checked.sent == [[]]


def test_nothing_is_written_while_the_root_is_locked(
    source: Path, dest: Path, tmp_path: Path
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(LOCKED)
    result = copy(source, dest, mounts=mounts)
    assert result["locked"]
    assert not dest.exists()


def test_the_digest_follows_every_text_name_and_mode(source: Path, dest: Path) -> None:
    def digest() -> str:
        return str(copy(source, dest)["digests"][str(dest)])

    seen = [digest()]
    assert digest() == seen[0]
    (source / "health/checks.py").write_text("checks = 2\n")
    seen.append(digest())
    (source / "health/checks.py").chmod(0o755)
    seen.append(digest())
    (source / "health/checks.py").rename(source / "health/others.py")
    seen.append(digest())
    assert len(set(seen)) == 4


def test_the_digest_is_that_of_the_role_also_where_nothing_is_written(
    source: Path, dest: Path
) -> None:
    checked = copy(source, dest, check=True)["digests"]
    text = "".join(
        f"{name} {mode} {hashlib.sha256((source / name).read_bytes()).hexdigest()}\n"
        for name, mode in (("__main__.py", "0755"), ("health/checks.py", "0644"))
    )
    assert checked == {str(dest): hashlib.sha256(text.encode()).hexdigest()}
