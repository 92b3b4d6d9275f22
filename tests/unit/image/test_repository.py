"""apt accepts the repository with its key, and refuses it if anything about it is wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pvs_image.debian_package import build_package
from pvs_image.errors import ImageError
from pvs_image.repository import KEYRING, SOURCES, build_repository, valid_seconds

pytestmark = pytest.mark.needs_system

EPOCH = 1_782_000_000
OWNER, STRANGER = "owner@example.org", "stranger@example.org"


@pytest.fixture(scope="module", autouse=True)
def keys() -> Iterator[None]:
    """A GnuPG home with the keys of two persons."""
    # In a short path, because the path of the agent's socket is limited.
    with tempfile.TemporaryDirectory(dir="/tmp") as home, pytest.MonkeyPatch.context() as patch:
        patch.setenv("GNUPGHOME", home)
        for person in (OWNER, STRANGER):
            subprocess.run(
                ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", person,
                 "ed25519", "sign"],
                check=True,
            )  # fmt: skip
        yield
        subprocess.run(["gpgconf", "--kill", "all"], check=True)


def fingerprint(person: str) -> str:
    """Return the fingerprint of a person's key."""
    command = ["gpg", "--batch", "--with-colons", "--list-keys", person]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:"))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_package(tmp_path_factory.mktemp("package"), EPOCH)


@dataclass(frozen=True)
class Computer:
    """A computer with the sources file and the keyring of a repository.

    Attributes:
        root: the folder with its state.
    """

    root: Path

    def apt(self, *arguments: str) -> tuple[int, str]:
        """Run apt-get; return its exit status and output."""
        done = subprocess.run(
            ["apt-get", *arguments],
            cwd=self.root, capture_output=True, text=True, check=False,
            env={**os.environ, "LC_ALL": "C", "APT_CONFIG": str(self.root / "apt.conf")},
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr


@dataclass(frozen=True)
class Web:
    """A folder that is served.

    Attributes:
        folder: the repository.
        computer: of a user.
    """

    folder: Path
    computer: Computer

    def publish(self, package: Path, key: str = OWNER, seconds: int = 86400) -> None:
        """Build the repository."""
        build_repository(
            package, self.folder,
            key=fingerprint(key), url=self.folder.as_uri(), valid_seconds=seconds,
        )  # fmt: skip


@pytest.fixture
def web(package: Path, tmp_path: Path) -> Web:
    """A repository, and a computer that uses it."""
    root = tmp_path / "computer"
    for folder in ("etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/sources.list.d",
                   "var/lib/apt/lists/partial", "var/cache/apt/archives/partial"):  # fmt: skip
        (root / folder).mkdir(parents=True)
    # Read first, so that the configuration of this machine is not read.
    (root / "apt.conf").write_text(
        f'Dir "{root}"; Dir::State::status "/dev/null"; APT::Sandbox::User "root";'
    )
    web = Web(tmp_path / "web/repository", Computer(root))
    web.publish(package)
    keyring = root / KEYRING
    shutil.copy(web.folder / KEYRING, keyring)
    sources = (web.folder / SOURCES).read_text()
    (root / "etc/apt/sources.list.d" / SOURCES).write_text(
        sources.replace(f"/usr/share/keyrings/{KEYRING}", str(keyring))
    )
    return web


def test_apt_installs_the_package_from_it(web: Web, package: Path) -> None:
    status, said = web.computer.apt("update")
    assert (status, "W:" in said) == (0, False), said
    status, said = web.computer.apt("download", "pvs-bridge")
    assert status == 0, said
    assert (web.computer.root / package.name).read_bytes() == package.read_bytes()


def test_a_new_build_replaces_the_files(web: Web, package: Path) -> None:
    old = (web.folder / "InRelease").read_bytes()
    time.sleep(1)
    web.publish(package)
    assert (web.folder / "InRelease").read_bytes() != old
    assert [each.name for each in web.folder.parent.iterdir()] == [web.folder.name]
    assert web.computer.apt("update")[0] == 0


@pytest.mark.parametrize(
    ("file", "problem"),
    [("InRelease", "does not have a Release file"), ("Packages", "Hash Sum mismatch")],
)
def test_a_changed_or_missing_file_is_refused(web: Web, file: str, problem: str) -> None:
    path = web.folder / file
    if file == "InRelease":
        path.unlink()
    else:
        path.write_text(path.read_text().replace("Package: pvs-bridge", "Package: pvs-bridgf"))
    status, said = web.computer.apt("update")
    assert status != 0
    assert problem in said


def test_a_changed_package_is_refused(web: Web, package: Path) -> None:
    assert web.computer.apt("update")[0] == 0
    served = web.folder / package.name
    served.write_bytes(served.read_bytes()[:-1] + b"!")
    assert web.computer.apt("download", "pvs-bridge")[0] != 0


def test_another_key_is_refused(web: Web, package: Path) -> None:
    web.publish(package, STRANGER)
    status, said = web.computer.apt("update")
    assert status != 0
    assert "not signed" in said
    assert web.computer.apt("download", "pvs-bridge")[0] != 0


def test_an_expired_repository_is_refused(web: Web, package: Path) -> None:
    web.publish(package, seconds=1)
    time.sleep(3)
    status, said = web.computer.apt("update")
    assert status != 0
    assert "expired" in said


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"key": ""}, "KEY must be the fingerprint of a key, 40 hexadecimal digits, got none"),
        ({"key": OWNER}, f"KEY must be .*, got {OWNER}"),
        ({"key": "0" * 40}, "KEY=0{40} cannot sign"),
        ({"url": ""}, "BASE_URL must be a URL, got none"),
        ({"url": "example.org"}, "BASE_URL must be a URL, got example.org"),
    ],
)
def test_a_wrong_option_is_named(
    package: Path, tmp_path: Path, options: dict[str, str], problem: str
) -> None:
    given = {"key": fingerprint(OWNER), "url": "https://example.org", **options}
    with pytest.raises(ImageError, match=problem) as error:
        build_repository(package, tmp_path / "repository", **given, valid_seconds=60)
    assert error.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("days", ["0", "-1", "ten", "9999"])
def test_a_wrong_number_of_days_is_named(days: str) -> None:
    with pytest.raises(ImageError, match="VALID_DAYS must be a number of days from 1 to 3650"):
        valid_seconds(days)
