"""An inventory takes bounded memory and time, and fails with a clear error beyond."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

import pytest
from unit.validate.conftest import GOOD, Validator, write
from unit.validate.test_foreign import validate

from bridgectl.validate.supervision import CANNOT_WORK, MOST_BYTES, supervised

_LAUGHS = "\n".join(
    f"b{level}: &b{level} [{', '.join([f'*b{level - 1}'] * 9) if level else 'ha'}]"
    for level in range(10)
)
TOO_LARGE = {
    "laughs": (f"---\n{_LAUGHS}\n", "more than 200000 values"),
    "itself": ("---\nproxy_users: &a [*a]\n", "the value &a contains itself"),
    "deep_flow": (f"---\na: {'[' * 90_000}{']' * 90_000}\n", "is too large: "),
    "deep_mappings": (f"---\na: {'{a: ' * 900}1{'}' * 900}\n", "more than 50 levels"),
    "deep_block": (f"---\n{'- ' * 900}a\n", "more than 50 levels"),
    "long": (f"---\na: {'x' * (1 << 20)}\n", "more than 1 MiB"),
    "many": (f"---\na: [{'x,' * 300_000}]\n", "more than 200000 values"),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_file_that_takes_all_memory_is_refused(
    validator: Validator, tmp_path: Path, name: str
) -> None:
    text, said = TOO_LARGE[name]
    write(tmp_path, {"bridges.yml": GOOD, "group_vars/all.yml": text})
    (finding,) = validator.json(tmp_path).findings
    assert said in finding["problem"], finding
    assert finding["file"] == "inventory/group_vars/all.yml"


def test_a_pipe_is_not_waited_for(validator: Validator, tmp_path: Path) -> None:
    write(tmp_path, {"bridges.yml": GOOD, "group_vars/pvs_bridges/a.yml": "---\n"})
    os.mkfifo(tmp_path / "inventory/group_vars/pvs_bridges/b.yml")
    os.mkfifo(tmp_path / "inventory/c.yml")
    found = {each["file"]: each["problem"] for each in validator.json(tmp_path).findings}
    assert found == dict.fromkeys(
        ("inventory/c.yml", "inventory/group_vars/pvs_bridges/b.yml"),
        "is neither a file nor a folder",
    )


def test_a_template_gets_no_more_memory_than_there_is_for_all(tmp_path: Path) -> None:
    doubled = "".join(f"      x{n}: '{{{{ x{n - 1} ~ x{n - 1} }}}}'\n" for n in range(1, 60))
    text = f"{GOOD}      x0: xxxxxxxx\n{doubled}      uplink_hostname: '{{{{ x59 }}}}'\n"
    done = validate(write(tmp_path, {"bridges.yml": text}))
    assert done.status in (1, CANNOT_WORK), done
    assert "uplink_hostname" in done.output or "takes more than" in done.errors, done
    assert "Traceback" not in done.errors


@pytest.mark.parametrize("allocates", [False, True])
def test_what_does_not_end_is_ended(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, allocates: bool
) -> None:
    def work() -> int:
        if allocates:
            bytearray(MOST_BYTES + 1)
            return 0
        child = os.fork()
        (tmp_path / f"{child and os.getpid()}").touch()
        while True:
            time.sleep(1)

    before = resource.getrlimit(resource.RLIMIT_DATA)
    assert supervised(work, 0.5) == CANNOT_WORK
    assert "takes more than" in capfd.readouterr().err
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    for name in {each.name for each in tmp_path.iterdir()} - {"0"}:
        assert not Path("/proc", name).exists()


@pytest.mark.parametrize("status", [0, 1, 2])
def test_the_status_is_handed_on(status: int) -> None:
    assert supervised(lambda: status) == status
