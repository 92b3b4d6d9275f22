"""A power cut after any write to the boot partition leaves each file old or new, and complete."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from nightly.image.recorded_writes import record

from pvs_bridge.boot_config.boot_partition import BootPartition

_AGENT = Path(__file__).resolve().parents[3] / "roles/agent/files/pvs_bridge"
_FILES = ("a-file-before-the-gap", "network-config", "pvs-bridge-report.txt", "pvs-bridge.yml")
# A removed file leaves a gap in the folder, which the next new file fills. So the incomplete file
# comes before its name in the folder, or behind it, which decides what fsck does.
_GAP = "b-file-with-a-long-name-whose-removal-leaves-a-gap"
_BEFORE = {
    "a-file-before-the-gap": "old\n",
    "network-config": "wifis: {}\n",
    "pvs-bridge.yml": "uplink_country: US\n",
}
# What is written; None removes the file.
_STEPS: tuple[tuple[str, str | None], ...] = (
    ("pvs-bridge.yml", "# one cluster\n" * 10),
    ("pvs-bridge.yml", "# some clusters\n" * 1000),
    ("pvs-bridge-report.txt", "The bridge is set up.\n" * 30),
    ("pvs-bridge-report.txt", "The bridge works.\n" * 300),
    ("a-file-before-the-gap", "new\n"),
    ("network-config", None),
    ("pvs-bridge.yml", "uplink_country: DE\n"),
)
_SCRIPT = f"""
from pathlib import Path
from pvs_bridge.boot_config.boot_partition import BootPartition
partition = BootPartition(Path("/mnt"))
os.unlink("/mnt/{_GAP}")
os.sync()
mark(1)
for number, (name, text) in enumerate({_STEPS!r}, 2):
    partition.remove(name) if text is None else partition.write(name, text)
    mark(number)
"""


@pytest.mark.core
def test_each_file_is_the_old_or_the_new_one_after_a_power_cut(image: Path, tmp_path: Path) -> None:
    files = tmp_path / "files"
    shutil.copytree(
        _AGENT, files / "agent/pvs_bridge", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name, text in {**_BEFORE, _GAP: "gap\n"}.items():
        (files / name).write_text(text)
    states: list[dict[str, str]] = [_BEFORE]
    for name, written in _STEPS:
        states.append({k: v for k, v in {**states[-1], name: written}.items() if v is not None})
    wrong: list[str] = []
    mark = 0
    for number, cut in enumerate(record(image, files, _SCRIPT, tmp_path)):
        mark = cut.mark
        # The last step that has ended, and the one that is under way.
        possible = states[max(mark - 1, 0) : mark + 1]
        found = _after_the_next_boot(cut.disk, tmp_path / "boot")
        wrong += [
            f"after write {number}, in step {mark}: {name} is {found.get(name, 'missing')[:40]!r}"
            for name in _FILES
            if found.get(name) not in [state.get(name) for state in possible]
        ]
    assert mark == len(states), "the script has failed; see the console"
    assert not wrong, "\n".join(wrong)


def _after_the_next_boot(disk: Path, folder: Path) -> dict[str, str]:
    """Repair the disk as systemd does, and complete what the agent completes."""
    subprocess.run(["fsck.vfat", "-a", str(disk)], check=False, capture_output=True)
    clean = subprocess.run(
        ["fsck.vfat", "-n", str(disk)], capture_output=True, text=True, check=False
    )
    assert clean.returncode == 0, clean.stdout
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    files = [f"::{name}*" for name in _FILES]
    subprocess.run(
        ["mcopy", "-i", str(disk), *files, f"{folder}/"], check=False, capture_output=True
    )
    BootPartition(folder).recover()
    return {path.name: path.read_text() for path in folder.iterdir()}
