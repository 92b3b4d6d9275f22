"""Stages of a build: each is kept, and made again only when what it depends on has changed."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from pvs_image.errors import ImageError
from pvs_image.log import Log

# Of each stage: the one in use, and the one before it, for whoever goes back.
_KEPT = 2


@dataclasses.dataclass(frozen=True)
class Stage:
    """Something that is made out of other things.

    Attributes:
        name: short, part of the file's name.
        suffix: the end of the file's name, with its dot.
        depends_on: whatever decides its content, by name.
        make: makes it at the path given, and writes to the log what programs say.
    """

    name: str
    suffix: str
    depends_on: Mapping[str, str]
    make: Callable[[Path, Log], None]

    @property
    def digest(self) -> str:
        """What it depends on, in 16 digits."""
        text = json.dumps([self.name, dict(self.depends_on)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclasses.dataclass(frozen=True)
class Made:
    """What came of a stage.

    Attributes:
        stage: its name.
        file: the result.
        log: what the programs said when it was made.
        seconds: how long it took; 0 where it was there already.
    """

    stage: str
    file: Path
    log: Path
    seconds: float


@dataclasses.dataclass
class Measured:
    """A time that is known in the end."""

    seconds: float = 0.0


class Stages:
    """The folder in which stages are kept."""

    def __init__(self, folder: Path, *, report: Callable[[str], None] = print) -> None:
        """Use a folder.

        Args:
            folder: is made when it is missing.
            report: gets the lines for the person who waits.
        """
        self.folder = folder
        self.report = report
        self._times = folder / "seconds.json"

    def provide(self, stage: Stage, *, again: bool = False) -> Made:
        """Return what a stage makes, from the folder where it is there already.

        It gets its name when it is complete, so that an interrupted build leaves nothing that the
        next one could take for whole.

        Args:
            stage: what is wanted.
            again: whether to make it although it is there.

        Raises:
            ImageError: it cannot be made.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        final = self.folder / f"{stage.name}-{stage.digest}{stage.suffix}"
        log = final.with_name(f"{stage.name}-{stage.digest}.log")
        with _locked(self.folder / f"{stage.name}.lock"):
            if final.exists() and not again:
                made_ns = final.stat().st_mtime_ns
                made = time.strftime("%Y-%m-%d %H:%M", time.gmtime(made_ns // 10**9))
                self.report(f"{stage.name}: as made on {made} UTC")
                # The time of its use; that of its making is what later stages know it by.
                os.utime(final, ns=(time.time_ns(), made_ns))
                return Made(stage.name, final, log, 0)
            seconds = self._make(stage, final, log)
            self._tidy(stage, final)
        return Made(stage.name, final, log, seconds)

    @contextlib.contextmanager
    def measured(self, name: str) -> Iterator[Measured]:
        """Tell when something begins, how long it took last time, and when it is done.

        Args:
            name: of what is done.

        Yields:
            what has the time, once it is done.
        """
        usual = self._read_times().get(name)
        self.report(f"{name}: begins" + (f", about {usual:.0f} s" if usual else ""))
        started = time.monotonic()
        measured = Measured()
        yield measured
        measured.seconds = time.monotonic() - started
        self.report(f"{name}: done in {measured.seconds:.0f} s")
        times = {**self._read_times(), name: round(measured.seconds, 1)}
        self._times.write_text(json.dumps(times, indent=2) + "\n")

    def _make(self, stage: Stage, final: Path, log: Path) -> float:
        temporary = final.with_name(f".making-{final.name}")
        _remove(temporary)
        with self.measured(stage.name) as measured:
            with log.open("w") as output:
                try:
                    stage.make(temporary, Log(stage.name, output, self.report))
                except BaseException:
                    _remove(temporary)
                    raise
            temporary.replace(final)
        return measured.seconds

    def _read_times(self) -> dict[str, float]:
        try:
            times: dict[str, float] = json.loads(self._times.read_text())
        except (OSError, ValueError):
            return {}
        return times

    def _tidy(self, stage: Stage, final: Path) -> None:
        """Remove what was used longest ago, and what an interrupted build has left."""
        there = self.folder.glob(f"{stage.name}-*{stage.suffix}")
        by_use = sorted(there, key=lambda each: each.stat().st_atime_ns, reverse=True)
        for each in by_use[_KEPT:]:
            if each != final:
                _remove(each)
        for log in self.folder.glob(f"{stage.name}-*.log"):
            if not log.with_suffix(stage.suffix).exists():
                log.unlink()
        for each in self.folder.glob(f".making-{stage.name}-*"):
            _remove(each)


def digest_of(paths: Iterable[Path], root: Path) -> str:
    """Return a digest of files: their names, their content, and whether they can be executed.

    Args:
        paths: files, or folders with all that is in them.
        root: the names are those below it.
    """
    known = hashlib.sha256()
    files = {file for path in paths for file in ([path] if path.is_file() else path.rglob("*"))}
    for file in sorted(files):
        if "__pycache__" in file.parts or file.is_dir():
            continue
        text = str(file.readlink()).encode() if file.is_symlink() else file.read_bytes()
        mode = "x" if file.lstat().st_mode & 0o100 else "-"
        name = file.relative_to(root)
        known.update(f"{name} {mode} {hashlib.sha256(text).hexdigest()}\n".encode())
    return known.hexdigest()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock, so that two builds do not make one thing at once.

    Raises:
        ImageError: another build holds it.
    """
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ImageError(
                f"{path.stem}: another build is making it at this moment",
                "wait for that one; fuser shows who it is: fuser " + str(path),
            ) from error
        yield
