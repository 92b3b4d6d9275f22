"""A run ends early only if nothing has changed: so it has to see all that the roles write."""

from __future__ import annotations

from lint.project import ROOT, load_yaml
from lint.test_rollback import writes

# Markers for systemd on a card that has never booted. Nothing is recorded there.
_OF_CARDS = {"/etc/.updated", "/var/.updated", "/etc/systemd/system-generators/"}
# The monitor writes it while no run goes on; the role only removes it.
_OF_THE_MONITOR = {"/etc/avahi/services/pvs-bridge-pvs.service"}


def is_below(path: str, folders: list[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def test_every_file_that_the_roles_write_is_watched() -> None:
    watched = load_yaml(ROOT / "roles/common/vars/main.yml")["__common_watched"]
    roles = sorted(folder.name for folder in (ROOT / "roles").iterdir())
    found = {dest for each in writes(roles) for dest in each.dests}
    found -= _OF_CARDS | _OF_THE_MONITOR
    assert len(found) > 50
    assert {dest for dest in found if not is_below(dest, watched)} == set()
