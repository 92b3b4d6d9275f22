"""Stages: made once, made again when something has changed, never left half-made."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path

import pytest

from pvs_image.build_log import Log
from pvs_image.errors import ImageError
from pvs_image.stages import Stage, Stages, digest_of


def writing(text: str, calls: list[str]) -> Callable[[Path, Log], None]:
    def make(target: Path, _: Log) -> None:
        calls.append(text)
        target.write_text(text)

    return make


def stage(make: Callable[[Path, Log], None], **depends_on: str) -> Stage:
    return Stage("soup", ".txt", depends_on, make)


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def stages(tmp_path: Path, lines: list[str]) -> Stages:
    return Stages(tmp_path / "kept", report=lines.append)


def test_what_is_there_is_not_made_again(stages: Stages, lines: list[str]) -> None:
    calls: list[str] = []
    first = stages.provide(stage(writing("leek", calls), recipe="1"))
    second = stages.provide(stage(writing("leek", calls), recipe="1"))
    assert (calls, first.file, second.seconds) == (["leek"], second.file, 0)
    assert lines[-1].startswith("soup: as made on ")


def test_using_it_does_not_make_it_another_one(stages: Stages) -> None:
    made = stages.provide(stage(writing("leek", []))).file.stat().st_mtime_ns
    assert stages.provide(stage(writing("leek", []))).file.stat().st_mtime_ns == made


def test_what_was_used_last_is_kept(stages: Stages) -> None:
    for recipe in "12123":
        stages.provide(stage(writing(recipe, []), recipe=recipe))
    for recipe in "1", "4":
        stages.provide(stage(writing(recipe, []), recipe=recipe))
    assert {each.read_text() for each in stages.folder.glob("soup-*.txt")} == {"1", "4"}


def test_what_depends_on_something_else_is_made_again(stages: Stages) -> None:
    calls: list[str] = []
    stages.provide(stage(writing("leek", calls), recipe="1"))
    made = stages.provide(stage(writing("onion", calls), recipe="2"))
    assert (calls, made.file.read_text()) == (["leek", "onion"], "onion")


def test_what_is_wanted_again_takes_the_place_of_what_is_there(stages: Stages) -> None:
    calls: list[str] = []
    stages.provide(stage(writing("leek", calls), recipe="1"))
    made = stages.provide(stage(writing("onion", calls), recipe="1"), again=True)
    assert made.file.read_text() == "onion"


def test_what_took_a_while_last_time_is_announced(stages: Stages, lines: list[str]) -> None:
    stages.folder.mkdir()
    (stages.folder / "seconds.json").write_text('{"soup": 171.4}')
    stages.provide(stage(writing("leek", [])))
    assert lines[0] == "soup: begins, about 171 s"


def test_a_failure_leaves_nothing_but_its_log(stages: Stages) -> None:
    def fail(target: Path, log: Log) -> None:
        target.write_text("half")
        log.run(["sh", "-c", "echo the pot is too small; exit 3"], hint="take a larger pot")

    with pytest.raises(ImageError, match="the pot is too small") as error:
        stages.provide(stage(fail))
    assert error.value.hint == "take a larger pot"
    log = next(stages.folder.glob("soup-*.log"))
    assert str(log) in error.value.problem
    assert {each.suffix for each in stages.folder.iterdir()} == {".log", ".lock"}


@pytest.mark.parametrize(
    ("program", "problem"),
    [("no-such-program", "no-such-program is missing"), ("broken", "broken cannot be run")],
)
def test_a_program_that_cannot_be_run_is_named(
    stages: Stages, tmp_path: Path, program: str, problem: str
) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)
    command = str(broken) if program == "broken" else program

    with pytest.raises(ImageError, match=problem):
        stages.provide(stage(lambda _, log: log.run([command], hint="")))


def test_what_an_interrupted_build_has_left_is_not_taken_for_whole(stages: Stages) -> None:
    wanted = stage(writing("leek", []), recipe="1")
    stages.folder.mkdir()
    left = stages.folder / f".making-soup-{wanted.digest}.txt"
    left.write_text("half")
    other = stages.folder / ".making-soup-0123456789abcdef.txt"
    other.mkdir()
    assert stages.provide(wanted).file.read_text() == "leek"
    assert not left.exists()
    assert not other.exists()


def test_two_builds_do_not_make_one_thing_at_once(stages: Stages) -> None:
    stages.folder.mkdir()
    with (stages.folder / "soup.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ImageError, match="another build is making it"):
            stages.provide(stage(writing("leek", [])))


def test_two_of_a_stage_are_kept(stages: Stages) -> None:
    for recipe in "123":
        stages.provide(stage(writing(recipe, []), recipe=recipe))
    assert {each.read_text() for each in stages.folder.glob("soup-*.txt")} == {"2", "3"}
    assert len(list(stages.folder.glob("soup-*.log"))) == 2


@pytest.mark.parametrize("change", ["content", "name", "mode", "link"])
def test_a_digest_sees_each_change_of_a_file(tmp_path: Path, change: str) -> None:
    file, link = tmp_path / "a", tmp_path / "link"
    file.write_text("text")
    link.symlink_to("a")
    before = digest_of([tmp_path], tmp_path)
    if change == "content":
        file.write_text("texT")
    elif change == "name":
        file.rename(tmp_path / "b")
    elif change == "mode":
        file.chmod(0o755)
    else:
        link.unlink()
        link.symlink_to("b")
    assert digest_of([tmp_path], tmp_path) != before


def test_a_digest_does_not_see_when_or_where(tmp_path: Path) -> None:
    digests = set()
    for place in ("here", "there"):
        (tmp_path / place / "__pycache__").mkdir(parents=True)
        (tmp_path / place / "a").write_text("text")
        (tmp_path / place / "__pycache__" / f"{place}.pyc").write_text(place)
        digests.add(digest_of([tmp_path / place], tmp_path / place))
    assert len(digests) == 1
