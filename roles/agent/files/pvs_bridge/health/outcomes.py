"""What each link is called, and what can be wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

OK, BROKEN, UNKNOWN = "ok", "broken", "unknown"


@dataclass(frozen=True)
class Outcome:
    """What can be wrong, and what helps, in plain words with {facts} filled in."""

    problem: str
    hint: str


OUTCOMES: dict[str, Outcome] = {
    "interface_missing": Outcome(
        "The Pi has no network interface {pvs_interface} for the cable to the PVS.",
        "If the PVS hangs on a USB adapter, plug the adapter in again. Otherwise set "
        "pvs_link_interface to the interface's real name and provision again.",
    ),
    "interface_off": Outcome(
        "The Pi's network interface towards the PVS ({pvs_interface}) is switched off.",
        "Restart the Pi. If it stays off, provision the Pi again.",
    ),
    "no_cable": Outcome(
        "There is no signal on the cable between Pi and PVS ({pvs_interface}).",
        "Push both plugs in until they click: on the PVS it is the port LAN1. Check that the "
        "PVS has power. If the PVS restarts just now, wait 10 minutes.",
    ),
    "no_lease": Outcome(
        "The PVS has not given the Pi an address on {pvs_interface}.",
        "If the PVS has just started, wait 10 minutes. Then check that the cable is in the "
        "PVS's port LAN1, pull it out for ten seconds, and restart the Pi if that did not help.",
    ),
    "other_network": Outcome(
        "The Pi's address on {pvs_interface} is not in the PVS's network {pvs_network}.",
        "Check that the cable is in the PVS's port LAN1 and leads to nothing else. If this PVS "
        "has another address, as some have 172.27.152.1, set pvs_link_pvs_address to it and "
        "provision again.",
    ),
    "default_route_taken": Outcome(
        "The Pi sends everything to the PVS: its default route leads out of {pvs_interface}.",
        "Provision the Pi again: that keeps this route away. If it comes back, another "
        "connection for {pvs_interface} was made by hand on the Pi: remove it.",
    ),
    "pvs_silent": Outcome(
        "The PVS does not answer at {pvs_address}.",
        "If it restarts just now, wait 10 minutes. If it stays silent, switch its breaker off "
        "for one minute.",
    ),
    "pvs_restarting": Outcome(
        "The PVS is there but not ready: most likely it is restarting.",
        "Wait 8-10 minutes and check again. If this happens often, let fewer programs ask the "
        "PVS, each at most every 5 minutes.",
    ),
    "pvs_crashed": Outcome(
        "The program in the PVS that makes the device list has crashed (HTTP 500).",
        "Wait 10 minutes and check again. If it stays so, switch the PVS's breaker off for one "
        "minute. Let fewer programs ask the PVS, each at most every 5 minutes.",
    ),
    "firmware_locked": Outcome(
        "The PVS's firmware (build {build}) has closed the device list, and its newer interface "
        "does not answer on port 80.",
        "Leave compat_mode out of the bridge's description, or set it to auto, and provision "
        "again: the bridge then makes the device list by itself. Neither the Pi nor a restart can "
        "open the PVS's own again.",
    ),
    "translator_down": Outcome(
        "The PVS's firmware (build {build}) has closed the device list, and the program on the Pi "
        "that makes it out of the newer interface is not ready.",
        "Restart it (sudo systemctl restart pvs-bridge-compat) or restart the Pi. If it stays "
        "so, provision the Pi again; systemctl status pvs-bridge-compat tells the reason.",
    ),
    "not_translated": Outcome(
        "The bridge cannot make a device list out of the PVS's newer interface. {error}",
        "{hint}",
    ),
    "firmware_refuses_at_random": Outcome(
        "The PVS refused the device list, as its firmware (build {build}) does at random.",
        "Power-cycle the PVS: switch its breaker off for one minute. It answers again after that, "
        "for it has not closed the device list.",
    ),
    "answer_refused": Outcome(
        "The PVS refused the device list (HTTP 403), and its firmware does not explain why: "
        "{firmware}.",
        "Power-cycle the PVS: switch its breaker off for one minute. If it still refuses, its "
        'firmware has closed the device list: set compat_mode to "on" and provision again.',
    ),
    "proxy_down": Outcome(
        "The proxy on the Pi does not accept connections on port {proxy_port}.",
        "Restart it (sudo systemctl restart haproxy) or restart the Pi. If it stays down, "
        "provision the Pi again; systemctl status haproxy tells the reason.",
    ),
    "proxy_refused": Outcome(
        "The proxy on the Pi did not pass the question on (HTTP {status}).",
        "With HTTP 429 or 503 too many programs ask at once: wait a minute. Otherwise the proxy's "
        "configuration is not this project's: provision the Pi again.",
    ),
    "damaged_answer": Outcome(
        "The PVS's answer arrived damaged.",
        "Check again in 5 minutes. If it stays so, switch the PVS's breaker off for one minute.",
    ),
    "not_succeeded": Outcome(
        "The PVS answered, but says that it did not succeed.",
        "Check again in 10 minutes. If it stays so, switch the PVS's breaker off for one minute.",
    ),
    "uplink_missing": Outcome(
        "The Pi has no network interface {uplink_interface} towards the home network.",
        "Set uplink_interface to the interface's real name and provision again; a USB adapter "
        "may have to be plugged in again.",
    ),
    "uplink_down": Outcome(
        "The Pi is not connected to the home network ({uplink_interface}).",
        "With Wi-Fi: check that the router is on, that its name and password are those which "
        "the Pi was given, and that the Pi is in its range. With a cable: check both plugs.",
    ),
    "uplink_no_address": Outcome(
        "The Pi is connected to the home network, but has no address there ({uplink_interface}).",
        "Restart the home router, then the Pi. If the address was set by hand, check it.",
    ),
    "uplink_no_route": Outcome(
        "The Pi has an address in the home network, but no way out of it ({uplink_interface}).",
        "Restart the home router, then the Pi. If the address was set by hand, set the gateway "
        "too: it is the router's address.",
    ),
}
"""Every name that `outcome` can have, in no particular order; they do not change."""


LINKS = {
    "cable": "Cable to the PVS",
    "lease": "Address from PVS",
    "route": "Default route",
    "pvs": "PVS reachable",
    "proxy": "Proxy on the Pi",
    "uplink": "Home network",
    "answer": "Device list",
}
"""The links with their titles, in the order in which a report has them."""
