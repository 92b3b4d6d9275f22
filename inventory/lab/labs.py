#!/usr/bin/env python3
"""Inventory of the running labs: the Pi of each lab, named after the lab.

If the environment variable LAB is set, the inventory contains only that lab, which need not run
yet. It has a radio if RADIO is yes.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/lab"))

from pvs_lab import lifecycle, radio_card
from pvs_lab.paths import lab_dir

# A Pi with a radio is slow, and uses the home network that is already configured on its card.
RADIO = {
    "ansible_timeout": 60,
    "uplink_type": "wifi",
    "uplink_country": "DE",
    "uplink_networks": [
        {"ssid": radio_card.HOME_SSID, "passphrase": radio_card.HOME_PASSPHRASE},
    ],
}


def inventory() -> dict[str, object]:
    """Return the inventory in the form of Ansible's inventory scripts."""
    wanted = os.environ.get("LAB")
    running = lifecycle.running()
    names = [wanted] if wanted else running
    if not names:
        sys.exit("no lab is running; start one with 'make lab-up'")
    new_radio = os.environ.get("RADIO") == "yes"
    radios = {
        name: lifecycle.describe(name).radio if name in running else new_radio for name in names
    }
    hostvars = {
        name: {
            "ansible_host": "bridge",
            "ansible_user": "pi",
            "ansible_ssh_common_args": f"-F {lab_dir(name)}/ssh_config",
            # The Pis of all labs have the same address, so each lab needs its own ControlPath.
            "ansible_control_path": f"{lab_dir(name)}/ansible-connection",
            "lab_name": name,
            **(RADIO if radios[name] else {}),
        }
        for name in names
    }
    clients = {
        f"client-of-{name}": {
            "ansible_connection": "local",
            "ansible_python_interpreter": f"{lab_dir(name)}/client-python",
        }
        for name in names
    }
    return {
        "pvs_bridges": {"hosts": names},
        "lab_clients": {"hosts": list(clients)},
        "_meta": {"hostvars": {**hostvars, **clients}},
    }


if __name__ == "__main__":
    print(json.dumps(inventory(), indent=2))
