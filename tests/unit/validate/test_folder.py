"""The folder of the rendered files is what the bridges are now, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.validate.conftest import GOOD, Validator, write

from proxy_rig.rendering import error_pages, render

BARN = GOOD.replace("garage", "barn")
PI = Path("output/garage/networkmanager")


def read(path: Path) -> str:
    """Read a file with its line ends as they are."""
    with path.open(newline="") as file:
        return file.read()


def tree(folder: Path) -> dict[str, str]:
    """Return every file below a folder."""
    return {
        str(each.relative_to(folder)): read(each)
        for each in sorted(folder.rglob("*"))
        if each.is_file()
    }


def test_it_mirrors_the_pi(validator: Validator, tmp_path: Path) -> None:
    write(tmp_path, {"bridges.yml": GOOD})
    assert validator(tmp_path, "--output", "output").status == 0
    assert sorted(each.name for each in (tmp_path / "output/garage").iterdir()) == [
        "dhcpcd",
        "networkmanager",
    ]
    pi = tmp_path / PI
    assert (pi / "etc/hostname").read_text() == "garage\n"
    assert (pi / "etc/hosts").read_text() == "127.0.1.1 garage\n"
    link = (pi / "usr/local/bin/pvs-bridge").read_text()
    assert link == "# link to /usr/local/lib/pvs-bridge/pvs_bridge/__main__.py\n"
    assert not (pi / "etc/dhcpcd.conf").exists()
    dhcpcd = (tmp_path / "output/garage/dhcpcd/etc/dhcpcd.conf").read_text()
    assert dhcpcd.count("# BEGIN pvs-bridge: ") == 2
    assert "interface eth0\n" in dhcpcd
    assert "interface eth1\n" in dhcpcd


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"proxy_cache_seconds": 0, "bridge_mode": "both", "proxy_hostnames": ["solar.lan"]},
        {"proxy_allow_commands": ["SetAP"], "proxy_writes_acknowledged": True},
    ],
    ids=["by default", "more", "writes"],
)
def test_the_proxys_files_are_those_that_the_proxys_own_tests_use(
    validator: Validator, tmp_path: Path, chosen: dict[str, object]
) -> None:
    lines = "".join(f"      {name}: {value!r}\n" for name, value in chosen.items())
    lines = lines.replace("True", "true")
    write(tmp_path, {"bridges.yml": GOOD + lines})
    done = validator(tmp_path, "--output", "output")
    assert done.status == 0, done.output
    host = {
        "inventory_hostname": "garage",
        "inventory_hostname_short": "garage",
        "uplink_type": "ethernet",
        "uplink_interface": "eth1",
        **chosen,
    }
    etc = tmp_path / PI / "etc/haproxy"
    assert read(etc / "haproxy.cfg") == render("etc/haproxy/haproxy.cfg.j2", host)
    assert read(etc / "pvs-bridge/503.http") == error_pages(host)["503.http"]


def test_it_is_the_same_for_one_bridge_as_among_many(validator: Validator, tmp_path: Path) -> None:
    """What is rendered for one is remembered for others, but only where it is the same."""
    names = [f"bridge-{number}" for number in range(6)]
    bodies = [
        "uplink_interface: eth1",
        "uplink_interface: eth2",
        "uplink_interface: eth1, bridge_mode: routed",
        "uplink_interface: eth1, bridge_mode: both, uplink_hostname: solar",
        "uplink_interface: eth1, proxy_cors_origins: ['*'], pvs_link_interface: eth3",
        "uplink_interface: eth1, uplink_mdns: false, proxy_websocket_enabled: false",
    ]
    hosts = "".join(
        f"    {name}: {{uplink_type: ethernet, {body}}}\n"
        for name, body in zip(names, bodies, strict=True)
    )
    write(tmp_path, {"bridges.yml": f"---\npvs_bridges:\n  hosts:\n{hosts}"})
    assert validator(tmp_path, "--output", "all").status == 0
    for name in names:
        assert validator(tmp_path, "--output", name, "--limit", name).status == 0
        assert tree(tmp_path / name / name) == tree(tmp_path / "all" / name)


def test_what_no_bridge_has_any_more_goes(validator: Validator, tmp_path: Path) -> None:
    write(tmp_path, {"garage.yml": GOOD, "barn.yml": BARN})
    assert validator(tmp_path, "--output", "output").status == 0
    output = tmp_path / "output"
    assert (output / "barn").is_dir()
    stray = output / "garage/networkmanager/etc/stray"
    stray.write_text("")

    write(tmp_path, {"garage.yml": GOOD.replace("eth1", "eth2")})
    (tmp_path / "inventory/barn.yml").unlink()
    assert validator(tmp_path, "--output", "output").status == 0
    assert sorted(each.name for each in output.iterdir()) == [".pvs-bridge-validate", "garage"]
    assert not stray.exists()
    assert "eth2" in (tmp_path / PI / "etc/sysctl.d/60-pvs-link.conf").read_text()


def test_a_limit_leaves_the_others_files_alone(validator: Validator, tmp_path: Path) -> None:
    write(tmp_path, {"garage.yml": GOOD, "barn.yml": BARN})
    assert validator(tmp_path, "--output", "output").status == 0
    before = tree(tmp_path / "output/barn")
    write(tmp_path, {"garage.yml": GOOD.replace("eth1", "eth2"), "barn.yml": BARN + "      x: 1\n"})
    assert validator(tmp_path, "--output", "output", "--limit", "garage").status == 0
    assert tree(tmp_path / "output/barn") == before


def test_a_bridge_with_a_mistake_has_no_files_that_could_mislead(
    validator: Validator, tmp_path: Path
) -> None:
    write(tmp_path, {"garage.yml": GOOD, "barn.yml": BARN})
    assert validator(tmp_path, "--output", "output").status == 0
    write(tmp_path, {"garage.yml": GOOD + "      proxy_http_port: 22\n"})
    assert validator(tmp_path, "--output", "output").status == 1
    assert not (tmp_path / "output/garage").exists()
    assert (tmp_path / "output/barn").is_dir()


def test_a_folder_with_other_files_is_not_used(validator: Validator, tmp_path: Path) -> None:
    write(tmp_path, {"garage.yml": GOOD})
    thesis = tmp_path / "documents/garage/thesis.txt"
    thesis.parent.mkdir(parents=True)
    thesis.write_text("years of work")
    done = validator(tmp_path, "--output", "documents")
    assert (done.status, done.output) == (2, "")
    assert "OUTPUT=documents contains files that make validate has not written" in done.errors
    assert thesis.read_text() == "years of work"


def test_a_backend_that_is_named_is_the_only_one(validator: Validator, tmp_path: Path) -> None:
    write(tmp_path, {"garage.yml": GOOD + "      bridge_backend: dhcpcd\n"})
    assert validator(tmp_path, "--output", "output").status == 0
    assert [each.name for each in (tmp_path / "output/garage").iterdir()] == ["dhcpcd"]
