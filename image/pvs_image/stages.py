"""Build stages: each result is cached, and made again only when its inputs have changed."""

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

from pvs_image.build_log import Log
from pvs_image.errors import ImageError

# Results kept per stage: the current one and the previous one, so that going back one commit is
# quick.
_KEPT = 2


@dataclasses.dataclass(frozen=True)
class Stage:
    """A step of the build, with the inputs that decide its result.

    Attributes:
        name: short; the file name starts with it.
        suffix: the file name's end, including the dot.
        depends_on: every input that decides the content, by name.
        make: makes the result at the given path, and writes programs' output to the log.
    """

    name: str
    suffix: str
    depends_on: Mapping[str, str]
    make: Callable[[Path, Log], None]

    @property
    def digest(self) -> str:
        """The digest of all inputs, 16 hexadecimal digits."""
        text = json.dumps([self.name, dict(self.depends_on)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclasses.dataclass(frozen=True)
class StageResult:
    """The result of a stage.

    Attributes:
        stage: its name.
        file: what it made.
        log: the programs' output from when it was made.
        seconds: how long it took; 0 if it was cached.
    """

    stage: str
    file: Path
    log: Path
    seconds: float


@dataclasses.dataclass
class Duration:
    """The duration of a step, in seconds; set when the step ends."""

    seconds: float = 0.0


class Stages:
    """The folder with the cached results of stages."""

    def __init__(self, folder: Path, *, report: Callable[[str], None] = print) -> None:
        """Use a folder.

        Args:
            folder: created if it is missing.
            report: receives the progress lines for the user.
        """
        self.folder = folder
        self.report = report
        self._times = folder / "seconds.json"

    def provide(self, stage: Stage, *, again: bool = False) -> StageResult:
        """Return a stage's result, from the cache if it is there.

        The result gets its final name when it is complete, so an interrupted build leaves no
        partial file that the next build would use.

        Args:
            stage: the stage.
            again: make it even if it is cached.

        Raises:
            ImageError: it cannot be made, or another build is making it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        final = self.folder / f"{stage.name}-{stage.digest}{stage.suffix}"
        log = final.with_name(f"{stage.name}-{stage.digest}.log")
        with _locked(self.folder / f"{stage.name}.lock"):
            if final.exists() and not again:
                made_ns = final.stat().st_mtime_ns
                made = time.strftime("%Y-%m-%d %H:%M", time.gmtime(made_ns // 10**9))
                self.report(f"{stage.name}: cached, made on {made} UTC")
                # The access time records the last use. The modification time stays, because later
                # stages identify this result by it.
                os.utime(final, ns=(time.time_ns(), made_ns))
                return StageResult(stage.name, final, log, 0)
            seconds = self._make(stage, final, log)
            self._tidy(stage, final)
        return StageResult(stage.name, final, log, seconds)

    @contextlib.contextmanager
    def measured(self, name: str) -> Iterator[Duration]:
        """Report the start of a step, its usual duration, and its end.

        Args:
            name: the step's name.

        Yields:
            the duration, set when the step ends.
        """
        usual = self._read_times().get(name)
        self.report(f"{name}: started" + (f", takes about {usual:.0f} s" if usual else ""))
        started = time.monotonic()
        duration = Duration()
        yield duration
        duration.seconds = time.monotonic() - started
        self.report(f"{name}: finished in {duration.seconds:.0f} s")
        times = {**self._read_times(), name: round(duration.seconds, 1)}
        self._times.write_text(json.dumps(times, indent=2) + "\n")

    def _make(self, stage: Stage, final: Path, log: Path) -> float:
        temporary = final.with_name(f".making-{final.name}")
        _remove(temporary)
        with self.measured(stage.name) as duration:
            with log.open("w") as output:
                try:
                    stage.make(temporary, Log(stage.name, output, self.report))
                except BaseException:
                    _remove(temporary)
                    raise
            temporary.replace(final)
        return duration.seconds

    def _read_times(self) -> dict[str, float]:
        try:
            times: dict[str, float] = json.loads(self._times.read_text())
        except (OSError, ValueError):
            return {}
        return times

    def _tidy(self, stage: Stage, final: Path) -> None:
        """Remove the least recently used results, and the remains of interrupted builds."""
        results = self.folder.glob(f"{stage.name}-*{stage.suffix}")
        by_use = sorted(results, key=lambda path: path.stat().st_atime_ns, reverse=True)
        for path in by_use[_KEPT:]:
            if path != final:
                _remove(path)
        for log in self.folder.glob(f"{stage.name}-*.log"):
            if not log.with_suffix(stage.suffix).exists():
                log.unlink()
        for path in self.folder.glob(f".making-{stage.name}-*"):
            _remove(path)


def digest_of(paths: Iterable[Path], root: Path) -> str:
    """Return a digest of files: their names, content and execute permission.

    Args:
        paths: files, or folders including all files below them.
        root: names are relative to this folder.
    """
    digest = hashlib.sha256()
    files = {file for path in paths for file in ([path] if path.is_file() else path.rglob("*"))}
    for file in sorted(files):
        if "__pycache__" in file.parts or file.is_dir():
            continue
        content = str(file.readlink()).encode() if file.is_symlink() else file.read_bytes()
        mode = "x" if file.lstat().st_mode & 0o100 else "-"
        name = file.relative_to(root)
        digest.update(f"{name} {mode} {hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock, so that two builds do not make the same result at once.

    Raises:
        ImageError: another build holds it.
    """
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ImageError(
                f"{path.stem}: another build is running this stage",
                f"wait until it ends; `fuser {path}` shows its process",
            ) from error
        yield
