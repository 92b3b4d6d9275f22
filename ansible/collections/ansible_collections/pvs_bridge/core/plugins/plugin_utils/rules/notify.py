"""Rules for the messages to the owner.

No message contains a part of ``notify_urls``, because each URL has a password or a token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import Issue
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.suggestions import closest
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import Rule, Values

# The services that Debian's apprise can use on a Pi: 1.2.0 of Debian 12 and 1.9.3 of Debian 13. On
# the Pi, its own apprise checks the rest of a URL before it is installed.
_NAMES = """
    apprise apprises aprs atalk azure bark barks bluesky boxcar bsky bulksms bulkvs burstsms
    chanify clicksend d7sms dapnet dingtalk discord emby embys enigma2 enigma2s faast feishu flock
    form forms freemobile gchat gitter gotify gotifys guilded hassio hassios httpsms ifttt join
    json jsons kavenegar kodi kodis kumulos lametric lametrics line lsea lseas lunasea lunaseas
    mailgun mailto mailtos mastodon mastodons matrix matrixs misskey misskeys mmost mmosts msg91
    msgbird msteams ncloud nclouds nctalk nctalks nexmo notica noticas notifiarr notifico ntfy
    ntfys o365 onesignal opsgenie pagerduty pagertree parsep parseps pbul pjet pjets plivo popcorn
    pover prowl psafer psafers push pushdeer pushdeers pushed pushme pushy reddit resend revolt
    rocket rockets rsyslog ryver schan sendgrid ses seven sfr signal signals sinch slack smseagle
    smseagles smsmanager smsmgr smtp2go sns sparkpost splunk spontit strmlabs synology synologys
    tgram threema toot toots tweet twilio twist twitter victorops voipms vonage webex wecombot
    whatsapp workflow workflows wxpusher wxteams x xbmc xbmcs xml xmls zulip
"""
SERVICES = frozenset(_NAMES.split())
_URL = re.compile(r"(?P<service>[A-Za-z0-9]+)://[!-~]+", re.ASCII)
# The addresses that some services show, such as https://discord.com/api/webhooks/...
_WEB = "https"
_WIKI = "https://github.com/caronc/apprise/wiki lists the services and their URLs"
_TIME = "([01][0-9]|2[0-3]):[0-5][0-9]"
_QUIET_HOURS = re.compile(f"(?P<begin>{_TIME})-(?P<end>{_TIME})", re.ASCII)


def check_urls(values: Values) -> Iterator[Issue]:
    """A URL whose service is unknown sends nothing."""
    for position, url in values.texts("notify_urls"):
        path = ("notify_urls", position)
        match = _URL.fullmatch(url)
        if match is None:
            problem = "must be a URL of apprise without spaces, such as ntfy://TOPIC"
            yield Issue.at(path, problem, f"write it in quotes; {_WIKI}")
        elif match["service"].lower() not in SERVICES | {_WEB}:
            guess = closest(match["service"], SERVICES)
            hint = f"did you mean {guess}://? {_WIKI}" if guess else _WIKI
            yield Issue.at(path, "must begin with a service that apprise knows", hint)


def check_needs(values: Values) -> Iterator[Issue]:
    """The monitor finds the events."""
    if not values.get("notify_enabled"):
        return
    if values.get("notify_urls") == []:
        yield Issue.at(
            ("notify_enabled",),
            "needs notify_urls",
            "add a URL of apprise to notify_urls, such as ntfy://TOPIC, or remove this line",
        )
    if values.get("monitor_enabled") is False:
        hint = "set monitor_enabled to true, or this to false"
        yield Issue.at(("notify_enabled",), "needs monitor_enabled, which finds the events", hint)


def check_quiet_hours(values: Values) -> Iterator[Issue]:
    """YAML reads 22:00 without quotes as a number."""
    name = "notify_quiet_hours"
    hours = values.text(name)
    match = _QUIET_HOURS.fullmatch(hours)
    if hours and (match is None or match["begin"] == match["end"]):
        problem = f"must be two different times of day, got {hours!r}"
        yield Issue.at((name,), problem, 'write them in quotes, such as "22:00-07:00"')


RULES: tuple[Rule, ...] = (check_urls, check_needs, check_quiet_hours)
