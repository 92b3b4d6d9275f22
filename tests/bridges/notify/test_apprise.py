"""Debian's apprise, as the agent uses it, against real servers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from bridges.notify.debian import RELEASES, Debian, receiving

import bridgectl.ansible_loader  # noqa: F401 - before any part of the collection
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.rules.notify import SERVICES

_SECRET = "roof-8Jd2kQpx"  # noqa: S105 - not a secret
# Local programs of a desktop, and those that need a library that Debian's package does not have.
_NOT_ON_A_PI = {"dbus", "fcm", "glib", "gnome", "growl", "kde", "macosx", "mqtt", "mqtts", "qt",
                "spush", "syslog", "windows"}  # fmt: skip
_LIST = """
import apprise
print(*(name for each in apprise.Apprise().details(show_disabled=True)["schemas"]
        for name in (*(each["protocols"] or ()), *(each["secure_protocols"] or ()))))
"""


@pytest.fixture(params=RELEASES)
def debian(request: pytest.FixtureRequest, tmp_path: Path) -> Debian:
    """Return one of the releases."""
    return Debian(request.param, tmp_path)


def got(folder: Path) -> list[dict[str, Any]]:
    """Return the requests, with their bodies as objects."""
    lines = (folder / "got").read_text().splitlines()
    return [{**line, "body": json.loads(line["body"])} for line in map(json.loads, lines)]


@pytest.mark.core
def test_a_test_message_arrives_and_each_url_has_its_result(debian: Debian, tmp_path: Path) -> None:
    with receiving(tmp_path) as port:
        urls = [
            f"json://anna:{_SECRET}@127.0.0.1:{port}/{_SECRET}",
            f"ntfy://127.0.0.1:{port}/{_SECRET}",
        ]
        done = debian.notify(urls, "--folder=/mnt", "--test")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "notify_urls[0] (json): sent\nnotify_urls[1] (ntfy): sent\n"
    by_json, by_ntfy = got(tmp_path)
    assert by_json["path"] == f"/{_SECRET}"
    assert by_ntfy["body"]["topic"] == _SECRET
    for each in (by_json["body"], by_ntfy["body"]):
        assert each["title"] == "garage: test message"
        assert each["message"].startswith("This is a test. The bridge can send messages.\n")
        assert each["message"].endswith("\nhttp://garage.local/bridge/")


def test_no_error_shows_a_part_of_a_url(debian: Debian, tmp_path: Path) -> None:
    (tmp_path / "status").write_text("403")
    with receiving(tmp_path) as port:
        urls = [
            f"json://anna:{_SECRET}@127.0.0.1:{port}/{_SECRET}",
            f"ntfy://127.0.0.1:{port}/{_SECRET}",
            f"json://127.0.0.1:1/{_SECRET}",
            f"mailtos://{_SECRET}",
            f"tgram://{_SECRET}",
        ]
        done = debian.notify(urls, "--folder=/mnt", "--test")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "notify_urls[3]", "notify_urls[4]", "notify_urls[0] (json)", "notify_urls[1] (ntfy)",
        "notify_urls[2] (json)",
    ]  # fmt: skip
    assert all("not sent: " in line for line in lines[2:])
    assert "403" in lines[2]
    for secret in (_SECRET, _SECRET[:-1], "127.0.0.1", "anna", str(port)):
        assert secret not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("url", "good"),
    [
        (f"ntfy://{_SECRET}", True),
        (f"mailtos://anna:{_SECRET}@example.org", True),
        (f"tgram://123456789:{'a' * 35}/987654", True),
        (f"pover://{'u' * 30}@{'a' * 30}", True),
        ("tgram://token", False),
        ("pover://token", False),
        (f"nfty://{_SECRET}", False),
    ],
)
def test_urls_are_checked_before_they_are_installed(debian: Debian, url: str, good: bool) -> None:
    done = debian.notify(["ntfy://other", url], "--check", "/mnt/notify.urls")
    assert (done.returncode == 0) == good
    expected = "" if good else r"notify_urls\[1\]: must be a URL that this system's apprise [\d.]+ "
    assert re.match(expected, done.stderr)
    assert url.partition("://")[2] not in done.stdout + done.stderr


def test_the_controller_knows_the_services_of_both(tmp_path: Path) -> None:
    known = set()
    for release in RELEASES:
        folder = tmp_path / release
        folder.mkdir()
        done = Debian(release, folder).python("-c", _LIST)
        assert done.returncode == 0, done.stderr
        known |= set(done.stdout.split())
    assert sorted(known - _NOT_ON_A_PI) == sorted(SERVICES)
