"""The links between the PVS and the home network, and what can be wrong with each."""

from __future__ import annotations

from pvs_bridge.errors import Issue
from pvs_bridge.pvs.errors import POWER_CYCLE

OK, BROKEN, UNKNOWN = "ok", "broken", "unknown"

_PORT = "LAN1, or on a newer PVS6 a USB Ethernet adapter in its port USB2/LAN"
_FEWER_REQUESTS = "reduce the requests: few programs, each at most every 5 minutes"

OUTCOMES: dict[str, Issue] = {
    "interface_missing": Issue(
        "The Pi has no network interface {pvs_interface} for the cable to the PVS.",
        "If the PVS is connected to a USB adapter, plug the adapter in again. Otherwise set "
        "pvs_link_interface to the interface's name and provision again.",
    ),
    "interface_off": Issue(
        "The Pi's network interface to the PVS ({pvs_interface}) is switched off.",
        "Restart the Pi. If it stays off, provision the Pi again.",
    ),
    "no_cable": Issue(
        "There is no signal on the cable between Pi and PVS ({pvs_interface}).",
        f"Push both plugs in until they click; the PVS's port is {_PORT}. If a SunVault is "
        "connected to LAN1, leave it there: without it the battery is off. Check that the PVS has "
        "power. If the PVS is restarting, wait 10 minutes.",
    ),
    "no_lease": Issue(
        "The PVS has not given the Pi an address on {pvs_interface}.",
        f"If the PVS has just started, wait 10 minutes. Then check the cable: the PVS's port is "
        f"{_PORT}. Unplug the cable at the Pi for ten seconds, not at the PVS, where LAN1 may be a "
        "SunVault's. Restart the Pi if that did not help.",
    ),
    "other_network": Issue(
        "The Pi's address on {pvs_interface} is not in the PVS's network {pvs_network}.",
        "Check that the cable connects the Pi to the PVS and to nothing else; the PVS's port is "
        f"{_PORT}. If this PVS has another address (some have 172.27.152.1), set "
        "pvs_link_pvs_address to it and provision again.",
    ),
    "default_route_taken": Issue(
        "The Pi's default route leads to the PVS, through {pvs_interface}.",
        "Provision the Pi again, which removes this route. If it comes back, remove the connection "
        "for {pvs_interface} that was created by hand on the Pi.",
    ),
    "pvs_silent": Issue(
        "The PVS does not answer at {pvs_address}.",
        f"If it is restarting, wait 10 minutes. If it stays silent, {POWER_CYCLE}.",
    ),
    "pvs_not_at_home": Issue(
        "Nothing answers at {pvs_address}, the PVS's address in the home network.",
        "If the PVS is restarting, wait 10 minutes. The home's router shows whether the PVS is "
        "connected, and its address. If that has changed, set pvs_link_pvs_address to it, or to "
        "the PVS's mDNS name, and provision again.",
    ),
    "pvs_name_unknown": Issue(
        "No machine in the home network answers to the PVS's name, {pvs_address}.",
        "If the PVS is restarting, wait 10 minutes. The home's router shows whether the PVS is "
        "connected. If it is, set pvs_link_pvs_address to its address and provision again.",
    ),
    "pvs_restarting": Issue(
        "The PVS is reachable but not ready: most likely it is restarting.",
        f"Wait 10 minutes and check again. If this happens often, {_FEWER_REQUESTS}. If a USB "
        "Ethernet adapter is plugged into the PVS, try one with another chip: some draw so much "
        "current that the PVS restarts 10 to 20 times a day.",
    ),
    "pvs_crashed": Issue(
        "The program in the PVS that makes the device list has crashed (HTTP 500).",
        f"Wait 10 minutes and check again. If it stays so, {POWER_CYCLE}. To prevent it, "
        f"{_FEWER_REQUESTS}.",
    ),
    "firmware_locked": Issue(
        "The PVS's firmware (build {build}) has closed the device list, and its new API does not "
        "answer.",
        "Set compat_mode to auto, which is the default, and provision again: the bridge then makes "
        "the device list itself. The firmware's own device list cannot be opened again.",
    ),
    "translator_down": Issue(
        "The PVS's firmware (build {build}) has closed the device list, and the compat service on "
        "the Pi, which makes it from the new API, is not ready.",
        "Restart it (sudo systemctl restart pvs-bridge-compat) or restart the Pi. If it stays so, "
        "provision the Pi again; systemctl status pvs-bridge-compat shows the reason.",
    ),
    "not_translated": Issue(
        "The bridge cannot make a device list from the PVS's new API. {error}",
        "{hint}",
    ),
    "firmware_refuses_at_random": Issue(
        "The PVS refused the device list; its firmware (build {build}) does so at random.",
        f"Power-cycle the PVS: {POWER_CYCLE}. It answers again after that, because this build has "
        "not closed the device list.",
    ),
    "answer_refused": Issue(
        "The PVS refused the device list (HTTP 403), and its firmware does not explain why: "
        "{firmware}.",
        f"Power-cycle the PVS: {POWER_CYCLE}. If it still refuses, its firmware has closed the "
        'device list: set compat_mode to "on" and provision again.',
    ),
    "proxy_down": Issue(
        "The proxy on the Pi does not accept connections on port {proxy_port}.",
        "Restart it (sudo systemctl restart haproxy) or restart the Pi. If it stays down, "
        "provision the Pi again; systemctl status haproxy shows the reason.",
    ),
    "port_taken": Issue(
        "Another program listens on port {proxy_port} of the Pi, so the proxy cannot.",
        "On the Pi, `sudo ss -ltnp 'sport = :{proxy_port}'` names it. Stop it there, or set "
        "proxy_http_port to a free port and provision again.",
    ),
    "port_local": Issue(
        "The proxy's port {port} is open on the Pi itself only.",
        "Provision the Pi again. If it stays so, `sudo ss -ltnp 'sport = :{port}'` on the Pi "
        "names the program that has the port.",
    ),
    "port_closed": Issue(
        "The firewall on the Pi does not let the home network reach port {port}.",
        "Provision the Pi again.",
    ),
    "https_down": Issue(
        "The proxy on the Pi does not serve HTTPS on port {port}, but HTTP works.",
        "Restart it (sudo systemctl restart haproxy). If it stays down, sudo journalctl -u haproxy "
        "-u pvs-bridge-certificate shows the reason.",
    ),
    "proxy_refused": Issue(
        "The proxy on the Pi did not forward the request (HTTP {status}).",
        "For HTTP 429 or 503, wait a minute: too many programs ask at once. Otherwise the proxy "
        "does not have this project's configuration: provision the Pi again.",
    ),
    "damaged_answer": Issue(
        "The PVS's answer arrived damaged.",
        f"Check again in 5 minutes. If it stays so, {POWER_CYCLE}.",
    ),
    "firmware_too_old": Issue(
        "The PVS answers with a web page (HTML) instead of data (JSON), as very old firmware does.",
        "Connect the PVS to the internet, so that it gets newer firmware, or ask the vendor's "
        "support for an update. A restart does not help.",
    ),
    "no_panels": Issue(
        "The PVS answers, but lists no panels.",
        "Wait: after a restart, a PVS may list no panels for minutes to hours. Do not restart it "
        "again, because the wait begins again. If it has never listed any, the panels are not "
        "commissioned yet.",
    ),
    "not_succeeded": Issue(
        "The PVS answered that the request did not succeed.",
        f"Check again in 10 minutes. If it stays so, {POWER_CYCLE}.",
    ),
    "uplink_missing": Issue(
        "The Pi has no network interface {uplink_interface} for the home network.",
        "Set uplink_interface to the interface's name and provision again. Plug a USB adapter in "
        "again.",
    ),
    "uplink_down": Issue(
        "The Pi is not connected to the home network ({uplink_interface}).",
        "Wi-Fi: check that the router is on and in range, and that uplink_networks has its name "
        "and password. Cable: check both plugs.",
    ),
    "uplink_no_address": Issue(
        "The Pi is connected to the home network, but has no address there ({uplink_interface}).",
        "Restart the home router, then the Pi. If the address is static, check it.",
    ),
    "uplink_no_route": Issue(
        "The Pi has an address in the home network, but no default route ({uplink_interface}).",
        "Restart the home router, then the Pi. If the address is static, set the gateway too: it "
        "is the router's address.",
    ),
}
"""What ``outcome`` can be, with {facts} to fill in. The names do not change."""

LINKS = {
    "cable": "Cable to the PVS",
    "lease": "Address from PVS",
    "route": "Default route",
    "pvs": "PVS reachable",
    "proxy": "Proxy on the Pi",
    "reach": "Open to the home",
    "uplink": "Home network",
    "answer": "Device list",
}
"""The links with their titles, in the order of a report."""
