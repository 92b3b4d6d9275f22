#!/usr/bin/python
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: commit_confirm
author: The pvs-bridge authors
version_added: "0.1.0"
short_description: Change a host's network, and confirm it over the new network
description:
  - Carries out a change of the network for which M(pvs_bridge.core.managed_files) has armed the
    rollback. The change runs detached on the host, because the SSH session may break.
  - Then connects to the host at each of its possible addresses in turn, until a new connection
    confirms the change. The host itself undoes a change that fails or is not confirmed in time.
  - On a host that provisions itself, over P(ansible.builtin.local#connection), the answer of the
    home's router confirms the change.
  - Fails with the reason and the restored files after the host has undone the change.
options:
  id:
    description: Name of the change, as in the task that has armed the rollback.
    type: str
    required: true
  script:
    description: Shell commands for the host. If one fails, the change is undone.
    type: str
    required: true
  addresses:
    description:
      - Possible addresses of the host after the change, the most likely one first. The previous
        address is tried too, first of all if it is not in this list.
      - The host key must be the one that is known for the previous address.
    type: list
    elements: str
    default: []
  interface:
    description: The interface of the home network.
    type: str
    required: true
  timeout_seconds:
    description: How long the host waits for the confirmation before it undoes the change.
    type: int
    required: true
attributes:
  action:
    description: Runs as an action plugin on the controller.
    support: full
  async:
    description: Can be run in the background with C(async).
    support: none
  check_mode:
    description: Does nothing in check mode.
    support: full
  diff_mode:
    description: Shows the difference that a change makes.
    support: none
    details: M(pvs_bridge.core.managed_files) shows it.
  platform:
    description: Systems that it can be used for.
    support: full
    platforms: debian
seealso:
  - module: pvs_bridge.core.managed_files
"""

EXAMPLES = r"""
- name: Change the network
  pvs_bridge.core.commit_confirm:
    id: "{{ found.run.id }}"
    script: nmcli connection reload && nmcli --wait 45 connection up uplink
    addresses: [192.168.1.21]
    interface: wlan0
    timeout_seconds: 120
  register: changed_network

- name: Use the new address
  ansible.builtin.set_fact:
    ansible_host: "{{ changed_network.address }}"
    ansible_ssh_extra_args: "{{ changed_network.ssh_extra_args }}"
"""

RETURN = r"""
address:
  description: The address at which the host was reached.
  returned: success, not in check mode, not of a host that provisions itself
  type: str
  sample: 192.168.1.21
moved:
  description: Whether that differs from the previous address.
  returned: success, not in check mode
  type: bool
  sample: true
ssh_extra_args:
  description: C(ansible_ssh_extra_args) for the new address, so that ssh finds the host key.
  returned: success, not in check mode, not of a host that provisions itself
  type: str
  sample: -o HostKeyAlias=192.168.1.20
seconds:
  description: Time from the start of the change to its confirmation.
  returned: success, not in check mode
  type: float
  sample: 9.3
undone:
  description: What the host has restored.
  returned: when the change was undone
  type: dict
  contains:
    reason:
      description: The reason.
      type: str
      sample: it was not confirmed within 120 s
    files:
      description: Paths on the host.
      type: list
      elements: str
      sample: [/etc/NetworkManager/system-connections/pvs-bridge-uplink-0.nmconnection]
    folder:
      description: The folder of the rejected files on the host.
      type: str
      sample: /var/lib/pvs-bridge/rollback/rejected/20260621-120000-3f0c
"""
