"""Messages of a bridge in a lab: by the service in its sandbox, with Debian's apprise."""

from __future__ import annotations

import tarfile
from pathlib import Path

from bridges.notify.conftest import SECRET, URL, VARIABLES, NotifiedBridge

_URLS = "/etc/pvs-bridge/notify.urls"


def test_a_cable_that_is_out_and_in_again(home: NotifiedBridge) -> None:
    home.forget()
    home.say("cable", "pvs", "out")
    try:
        assert home.run_monitor()["broken_link"] == "cable"
        home.sends()
        assert home.titles == []
        home.age(60)
        home.sends()
        assert home.titles == ["bridge broken"]
        home.age(600)
        home.sends()
        assert home.titles == ["bridge broken"]
    finally:
        home.say("cable", "pvs", "in")
    assert home.recovers(), home.page()
    home.sends()
    assert home.titles == ["bridge broken", "bridge works again"]
    broken, recovered = home.received()
    assert broken["type"] == "failure"
    assert broken["message"].startswith("There is no signal on the cable between Pi and PVS")
    assert broken["message"].splitlines()[-1].endswith("/bridge/")
    assert "The problem was: There is no signal on the cable" in recovered["message"]


def test_a_message_waits_while_its_service_fails(home: NotifiedBridge) -> None:
    home.forget()
    home.answers(503)
    home.say("cable", "pvs", "out")
    try:
        home.run_monitor()
        home.age(60)
        home.sends()
        assert home.received() == []
        home.answers(200)
        home.retry()
        assert home.titles == ["bridge broken"]
    finally:
        home.say("cable", "pvs", "in")
    assert home.recovers(), home.page()
    home.sends()
    assert home.titles == ["bridge broken", "bridge works again"]


def test_without_a_home_network_one_message_tells_it_afterwards(home: NotifiedBridge) -> None:
    home.forget()
    home.output("bridge", "ip -4 route flush default dev wlan0")
    home.run_monitor()
    home.output("bridge", home.age_command(60))
    home.sends()
    assert home.received() == []
    home.output("bridge", "pvs-bridge monitor step renew home")
    assert home.recovers(), home.page()
    home.retry()
    assert home.titles == ["bridge works again"]


def test_the_command_sends_a_test_message(home: NotifiedBridge) -> None:
    home.forget()
    said = home.output("bridge", "pvs-bridge notify --test")
    assert said == "notify_urls[0] (json): sent\n"
    assert home.titles == ["test message"]
    status, said = home.run("bridge", "sudo -u pi pvs-bridge notify --test")
    assert status == 2
    assert "Hint: run it with sudo" in said


def test_no_output_and_no_log_has_the_url(home: NotifiedBridge, tmp_path: Path) -> None:
    # With the -v of each run, -vvv; with one more, Ansible shows the command line of this test.
    first, again = home.good_run(VARIABLES, "-vv"), home.good_run(VARIABLES)
    assert again.changed == []
    examined = home.examine("--bundle", f"--output={tmp_path}")
    (archive,) = tmp_path.iterdir()
    with tarfile.open(archive) as members:
        texts = [
            file.read().decode(errors="replace")
            for each in members
            if (file := members.extractfile(each))
        ]
    outputs = {
        "provision": first.output,
        "check": home.provision(VARIABLES, "--check", "--diff", "-vv").output,
        "change": home.provision({**VARIABLES, "notify_urls": [URL, URL]}, "--diff", "-vv").output,
        "doctor": examined.stdout + examined.stderr,
        "bundle": "\n".join(texts),
        "journal": home.output("bridge", "journalctl --no-pager --output=verbose"),
        "test": home.output("bridge", "pvs-bridge notify --test"),
    }
    lines = [(name, line) for name, text in outputs.items() for line in text.splitlines()]
    assert [(name, line[:200]) for name, line in lines if SECRET in line] == []
    found = home.output("bridge", f"grep -rlI {SECRET} /etc /run /tmp /var /root /home || true")
    assert found.split() == [_URLS]
    assert home.output("bridge", f"stat --format='%a %U' {_URLS}") == "600 root\n"


def test_a_url_that_cannot_work_changes_nothing(home: NotifiedBridge) -> None:
    before = home.output("bridge", f"cat {_URLS}")
    run = home.provision({**VARIABLES, "notify_urls": [URL, "tgram://token"]})
    assert run.status != 0
    assert run.says("notify_urls[1]: must be a URL that this system's apprise")
    assert "tgram://token" not in run.output
    assert home.output("bridge", f"cat {_URLS}") == before


def test_switched_off_it_leaves_no_secret_and_sends_nothing(home: NotifiedBridge) -> None:
    home.good_run({**VARIABLES, "notify_enabled": False})
    left = "ls /etc/pvs-bridge/notify* /etc/systemd/system/pvs-bridge-notify.service"
    assert home.run("bridge", left)[0] != 0
    home.run_monitor()
    assert "cannot send" not in home.output("bridge", "journalctl --unit=pvs-bridge-monitor")
    assert home.run("bridge", "pvs-bridge notify --test")[1].startswith(
        "pvs-bridge notify: notifications are off."
    )
    assert home.good_run({**VARIABLES, "notify_enabled": False}).changed == []
