"""The URLs of messages are checked without apprise, and never shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import Issue

Check = Callable[..., list[Issue]]

_TOKEN = "Zk3-very.secret_7"  # noqa: S105 - not a secret
GOOD = (
    f"ntfy://{_TOKEN}",
    f"ntfys://user:{_TOKEN}@ntfy.example.org/topic?priority=high",
    f"mailtos://anna:{_TOKEN}@example.org?to=bo@example.org",
    f"tgram://123456789:{_TOKEN}/987654",
    f"pover://user@{_TOKEN}",
    f"json://192.168.1.5:8080/{_TOKEN}",
    f"https://discord.com/api/webhooks/1/{_TOKEN}",
    f"NTFY://{_TOKEN}",
)


def messages(*urls: Any, **others: Any) -> dict[str, Any]:  # noqa: ANN401 - any variable
    return {"notify_enabled": True, "notify_urls": list(urls), **others}


@pytest.mark.parametrize("url", GOOD)
def test_urls_of_apprise_are_accepted(check_project: Check, url: str) -> None:
    assert check_project(**messages(url)) == []


@pytest.mark.parametrize(
    ("url", "word"),
    [
        (_TOKEN, "such as ntfy://TOPIC"),
        (f"{_TOKEN}://", "such as ntfy://TOPIC"),
        ("ntfy://", "such as ntfy://TOPIC"),
        (f"ntfy://two words {_TOKEN}", "without spaces"),
        (f"ntfy://{_TOKEN}\njson://x", "without spaces"),
        (f"ntfy://{_TOKEN}é", "such as ntfy://TOPIC"),
        (f"nfty://{_TOKEN}", "did you mean ntfy://?"),
        (f"telegram://{_TOKEN}", "apprise/wiki lists the services"),
        (f"http://{_TOKEN}", "apprise/wiki lists the services"),
        (f"dbus://{_TOKEN}", "apprise/wiki lists the services"),
        (12345, "must be a string"),
        ("CHANGE-ME", "placeholder"),
    ],
)
def test_another_url_is_one_error_that_does_not_show_it(
    check_project: Check,
    url: Any,  # noqa: ANN401 - any value
    word: str,
) -> None:
    (issue,) = check_project(**messages(GOOD[0], url))
    assert issue.location.variable == "notify_urls[1]"
    assert word in str(issue)
    assert _TOKEN not in str(issue)


@pytest.mark.parametrize(
    ("changed", "variable", "word"),
    [
        (messages(), "notify_enabled", "needs notify_urls"),
        (
            messages(GOOD[0], monitor_enabled=False, status_enabled=False),
            "notify_enabled",
            "needs monitor_enabled",
        ),
        (messages(GOOD[0], notify_quiet_hours="22-7"), "notify_quiet_hours", '"22:00-07:00"'),
        (messages(GOOD[0], notify_quiet_hours="7:00-22:00"), "notify_quiet_hours", "two different"),
        (messages(GOOD[0], notify_quiet_hours="24:00-07:00"), "notify_quiet_hours", "times of day"),
        (messages(GOOD[0], notify_quiet_hours="07:00-07:00"), "notify_quiet_hours", "different"),
        (messages(GOOD[0], notify_after_minutes=0), "notify_after_minutes", "from 1 to 1440"),
        (messages(GOOD[0], notify_daily_limit=1001), "notify_daily_limit", "from 1 to 1000"),
        ({"notify_urls": GOOD[0]}, "notify_urls", "must be a list"),
    ],
)
def test_what_cannot_work_is_refused(
    check_project: Check, changed: dict[str, Any], variable: str, word: str
) -> None:
    (issue,) = check_project(**changed)
    assert issue.location.variable == variable
    assert word in str(issue)
    assert _TOKEN not in str(issue)


def test_urls_may_stay_while_the_role_is_off(check_project: Check) -> None:
    assert check_project(notify_urls=list(GOOD)) == []
    assert check_project(**messages(GOOD[0], notify_quiet_hours="22:00-07:00")) == []
