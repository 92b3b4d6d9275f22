#!/usr/bin/python
"""Documentation of an action plugin; the work is done in plugins/action/commit_confirm.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: confirm
author: The pvs-bridge authors
version_added: "0.1.0"
short_description: Change a host's network, come back through it, and keep it
description:
  - Carries out on the host a change of the network for which M(pvs_bridge.core.managed_files) has
    armed the rollback. The host does it on its own, so that the SSH session may break.
  - Then makes new connections to the host, at each of its possible addresses in turn, until one of
    them confirms the change. A change that nobody confirms in time, or that fails, is undone by
    the host itself.
  - Fails with what was undone and why, after the host is back as it was.
options:
  id:
    description: Name of the change, as the files were armed with.
    type: str
    required: true
  script:
    description: What the host is to do, for its shell. A failing line is a reason to undo.
    type: str
    required: true
  addresses:
    description:
      - Where the host may be afterwards, the likeliest at the head. Its address of before is tried
        too, as the first one unless it is among them.
      - Its host key has to be the one that is known for its address of before.
    type: list
    elements: str
    default: []
  timeout_seconds:
    description: How long the host waits for the confirmation.
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
    details: M(pvs_bridge.core.managed_files) has shown it.
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
    timeout_seconds: 120
  register: changed_network

- name: Go on where the host is now
  ansible.builtin.set_fact:
    ansible_host: "{{ changed_network.address }}"
    ansible_ssh_extra_args: "{{ changed_network.ssh_extra_args }}"
"""

RETURN = r"""
address:
  description: Where the host was reached.
  returned: success, not in check mode
  type: str
  sample: 192.168.1.21
moved:
  description: Whether that is another address than before.
  returned: success, not in check mode
  type: bool
  sample: true
ssh_extra_args:
  description: What C(ansible_ssh_extra_args) has to be there, for ssh to know the host's key.
  returned: success, not in check mode
  type: str
  sample: -o HostKeyAlias=192.168.1.20
seconds:
  description: How long it took from the beginning of the change to its confirmation.
  returned: success, not in check mode
  type: float
  sample: 9.3
undone:
  description: What was put back.
  returned: when the change was undone
  type: dict
  contains:
    reason:
      description: Why.
      type: str
      sample: nobody confirmed it within 120 s
    files:
      description: Paths on the host.
      type: list
      elements: str
      sample: [/etc/NetworkManager/system-connections/pvs-bridge-uplink-0.nmconnection]
    folder:
      description: Where the rejected files lie on the host.
      type: str
      sample: /var/lib/pvs-bridge/rollback/rejected/20260621-120000-3f0c
"""
