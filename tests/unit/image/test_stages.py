"""Stages: results are cached, made again after a change, and never incomplete."""

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


def test_a_cached_result_is_not_made_again(stages: Stages, lines: list[str]) -> None:
    calls: list[str] = []
    first = stages.provide(stage(writing("leek", calls), recipe="1"))
    second = stages.provide(stage(writing("leek", calls), recipe="1"))
    assert (calls, first.file, second.seconds) == (["leek"], second.file, 0)
    assert lines[-1].startswith("soup: cached, made on ")


def test_using_a_result_keeps_its_modification_time(stages: Stages) -> None:
    made = stages.provide(stage(writing("leek", []))).file.stat().st_mtime_ns
    assert stages.provide(stage(writing("leek", []))).file.stat().st_mtime_ns == made


def test_the_least_recently_used_result_is_removed(stages: Stages) -> None:
    for recipe in "12123":
        stages.provide(stage(writing(recipe, []), recipe=recipe))
    for recipe in "1", "4":
        stages.provide(stage(writing(recipe, []), recipe=recipe))
    assert {each.read_text() for each in stages.folder.glob("soup-*.txt")} == {"1", "4"}


def test_a_changed_input_makes_a_new_result(stages: Stages) -> None:
    calls: list[str] = []
    stages.provide(stage(writing("leek", calls), recipe="1"))
    made = stages.provide(stage(writing("onion", calls), recipe="2"))
    assert (calls, made.file.read_text()) == (["leek", "onion"], "onion")


def test_again_replaces_the_cached_result(stages: Stages) -> None:
    calls: list[str] = []
    stages.provide(stage(writing("leek", calls), recipe="1"))
    made = stages.provide(stage(writing("onion", calls), recipe="1"), again=True)
    assert made.file.read_text() == "onion"


def test_the_usual_duration_is_reported(stages: Stages, lines: list[str]) -> None:
    stages.folder.mkdir()
    (stages.folder / "seconds.json").write_text('{"soup": 171.4}')
    stages.provide(stage(writing("leek", [])))
    assert lines[0] == "soup: started, takes about 171 s"


def test_a_failure_leaves_only_its_log(stages: Stages) -> None:
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
def test_a_program_that_cannot_run_is_named(
    stages: Stages, tmp_path: Path, program: str, problem: str
) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)
    command = str(broken) if program == "broken" else program

    with pytest.raises(ImageError, match=problem):
        stages.provide(stage(lambda _, log: log.run([command], hint="")))


def test_remains_of_an_interrupted_build_are_not_used(stages: Stages) -> None:
    wanted = stage(writing("leek", []), recipe="1")
    stages.folder.mkdir()
    left = stages.folder / f".making-soup-{wanted.digest}.txt"
    left.write_text("half")
    other = stages.folder / ".making-soup-0123456789abcdef.txt"
    other.mkdir()
    assert stages.provide(wanted).file.read_text() == "leek"
    assert not left.exists()
    assert not other.exists()


def test_two_builds_cannot_make_one_stage_at_once(stages: Stages) -> None:
    stages.folder.mkdir()
    with (stages.folder / "soup.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ImageError, match="another build is running this stage"):
            stages.provide(stage(writing("leek", [])))


def test_two_results_per_stage_are_kept(stages: Stages) -> None:
    for recipe in "123":
        stages.provide(stage(writing(recipe, []), recipe=recipe))
    assert {each.read_text() for each in stages.folder.glob("soup-*.txt")} == {"2", "3"}
    assert len(list(stages.folder.glob("soup-*.log"))) == 2


@pytest.mark.parametrize("change", ["content", "name", "mode", "link"])
def test_the_digest_changes_with_content_name_and_mode(tmp_path: Path, change: str) -> None:
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


def test_the_digest_does_not_depend_on_time_and_folder(tmp_path: Path) -> None:
    digests = set()
    for place in ("here", "there"):
        (tmp_path / place / "__pycache__").mkdir(parents=True)
        (tmp_path / place / "a").write_text("text")
        (tmp_path / place / "__pycache__" / f"{place}.pyc").write_text(place)
        digests.add(digest_of([tmp_path / place], tmp_path / place))
    assert len(digests) == 1
