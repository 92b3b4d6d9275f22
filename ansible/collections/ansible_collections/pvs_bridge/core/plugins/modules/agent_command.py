#!/usr/bin/python
"""Documentation of an action plugin; the work is done in plugins/action/agent_command.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: agent_command
author: The pvs-bridge authors
version_added: "0.2.0"
short_description: Run a command of the agent that changes nothing
description:
  - Runs a command in one round trip, without a module on the host. That takes half the time of
    M(ansible.builtin.command), on the controller and on the host.
options:
  argv:
    description: The command and its arguments.
    type: list
    elements: str
    required: true
attributes:
  action:
    description: Runs as an action plugin on the controller.
    support: full
  async:
    description: Can be run in the background with C(async).
    support: none
  check_mode:
    description: Runs in check mode too, because the command changes nothing.
    support: full
  diff_mode:
    description: Shows the difference that a change makes.
    support: none
    details: There is no change.
  platform:
    description: Systems that it can be used for.
    support: full
    platforms: posix
seealso:
  - module: ansible.builtin.command
"""

EXAMPLES = r"""
- name: Check the bridge
  pvs_bridge.core.agent_command:
    argv: [/usr/local/bin/pvs-bridge, health, --json]
  register: health
  failed_when: false
"""

RETURN = r"""
rc:
  description: The exit status; 127 where the command is not installed.
  returned: always
  type: int
  sample: 0
stdout:
  description: What the command printed.
  returned: always
  type: str
  sample: '{"healthy": true}'
stderr:
  description: What the command printed as errors.
  returned: always
  type: str
  sample: ""
"""
