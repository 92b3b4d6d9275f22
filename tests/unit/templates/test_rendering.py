"""The roles' templates, rendered by Ansible."""

from __future__ import annotations

import re

import pytest
from unit.templates.networks import NETWORKS


def test_the_module_renders_what_the_lookup_renders(rendered: dict[str, str]) -> None:
    assert rendered["by the module"] == rendered["wifi 3"]


def test_every_file_ends_with_one_line_break(rendered: dict[str, str]) -> None:
    bad = [name for name, text in rendered.items() if not re.search(r"[^\n]\n\Z", text)]
    assert bad == [], rendered[bad[0]] if bad else ""


def test_no_template_is_left_unrendered(rendered: dict[str, str]) -> None:
    given = "\n".join(f"{network.ssid}\n{network.passphrase}" for network in NETWORKS)
    for name, text in rendered.items():
        left = [mark for mark in re.findall(r"\{\{.*?\}\}|\{%.*?%\}", text) if mark not in given]
        assert left == [], f"{name}:\n{text}"


@pytest.mark.parametrize("file", ["link dhcp", "ethernet dhcp", "wpa_supplicant", "avahi"])
def test_a_file_says_who_wrote_it(rendered: dict[str, str], file: str) -> None:
    assert rendered[file].startswith("# ")
    assert "nsible" in rendered[file].splitlines()[0]
