"""What the validation takes for granted about the roles."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.validate.conftest import GOOD, PROJECT, Validator, write

# They write files too, but are not rendered.
OTHERS = ("assemble", "blockinfile", "copy", "lineinfile", "template")
TASKS = sorted((PROJECT / "roles").glob("*/tasks/*.yml"))


def tasks(tree: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - YAML holds anything
    """Find every task, within blocks too."""
    for each in tree or []:
        yield each
        for part in ("block", "rescue", "always"):
            yield from tasks(each.get(part))


@pytest.mark.parametrize("file", TASKS, ids=lambda file: f"{file.parts[-3]} {file.stem}")
def test_all_files_are_written_by_modules_that_are_rendered(file: Path) -> None:
    for task in tasks(yaml.safe_load(file.read_text())):
        modules = {key.rpartition(".")[2] for key in task}
        assert not modules & set(OTHERS), task["name"]


def test_every_template_is_rendered_for_some_bridge(validator: Validator, tmp_path: Path) -> None:
    wifi = GOOD.replace("uplink_type: ethernet", "uplink_country: US").replace(
        "uplink_interface: eth1", "uplink_networks: [{ssid: home, security: open}]"
    )
    everything = "      console_dns_enabled: true\n      bridge_mode: both\n"
    everything += "      appliance_read_only_root: true\n"
    everything += "      mqtt_enabled: true\n      mqtt_host: nas\n"
    everything += "      notify_enabled: true\n      notify_urls: ['ntfy://sunflower']\n"
    write(tmp_path, {"wifi.yml": wifi + everything})
    write(tmp_path, {"cable.yml": GOOD.replace("garage", "barn") + everything})
    at_home = "      pvs_link_type: home\n      pvs_link_pvs_address: pvs6.local\n"
    write(tmp_path, {"home.yml": GOOD.replace("garage", "attic") + at_home})
    done = validator.json(tmp_path, "--output", "output")
    assert (done.status, done.findings) == (0, [])
    rendered = {each.name for each in (tmp_path / "output").rglob("*") if each.is_file()}
    # They are rendered under another name, or as a part of another file.
    apart = {
        "error.http": "503.http",
        "wifi.nmconnection": "pvs-bridge-uplink-0.nmconnection",
        "ethernet.nmconnection": "pvs-bridge-uplink.nmconnection",
        "wpa_supplicant.conf": "wpa_supplicant-wlan0.conf",
        **dict.fromkeys(
            (
                "compat.cfg",
                "http.cfg",
                "live_data.cfg",
                "passthrough.cfg",
                "stats.cfg",
                "status.cfg",
                "pvs_queue.cfg",
            ),
            "haproxy.cfg",
        ),
        **dict.fromkeys(("macros", "ip"), "haproxy.cfg"),
    }
    for template in sorted((PROJECT / "roles").glob("*/templates/**/*.j2")):
        if template.is_relative_to(PROJECT / "roles/boot_config"):
            continue  # it makes an image, and no description of a bridge reaches it
        name = template.name.removesuffix(".j2")
        if name == "pvs-bridge-keep-name.service":
            continue  # only a Pi with several USB adapters has it
        assert apart.get(name, name) in rendered, template
