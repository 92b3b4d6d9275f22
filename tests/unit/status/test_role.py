"""The role status: its page and its announcement."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import yaml
from unit.status.conftest import ROLE

from proxy_rig.haproxy import PAGE
from proxy_rig.rendering import render

_BUFFER_BYTES = 34816  # haproxy's tune.bufsize, which limits the size of its own answers
_LINES_AROUND_BYTES = 2048


def load(path: Path) -> Any:  # noqa: ANN401 - any YAML
    return yaml.safe_load(path.read_text())


def test_the_page_fits_into_a_buffer_of_haproxy() -> None:
    assert len(PAGE.read_bytes()) < _BUFFER_BYTES - _LINES_AROUND_BYTES


def test_the_page_loads_nothing_from_other_hosts() -> None:
    text = PAGE.read_text().replace("http://www.w3.org/2000/svg", "")
    assert [word for word in ("http:", "https:", "src=", "@import", "url(") if word in text] == []


def test_the_bridge_is_announced_at_its_port() -> None:
    template = ROLE / "templates/etc/avahi/services/pvs-bridge.service.j2"
    root = ET.fromstring(render(str(template), {"proxy_http_port": 8000}))  # noqa: S314 - our own
    service = root.find("service")
    assert service is not None
    assert [(each.tag, each.text) for each in service] == [
        ("type", "_http._tcp"),
        ("port", "8000"),
        ("txt-record", "path=/bridge/"),
    ]
