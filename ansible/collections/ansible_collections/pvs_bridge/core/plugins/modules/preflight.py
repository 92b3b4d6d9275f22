"""Documentation of the action plugin of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
author: The pvs-bridge authors
version_added: "0.1.0"
short_description: Check the variables of a bridge before anything changes
description:
  - Checks the variables of each host against the argument specs of the roles, and against each
    other, and fails with all errors.
  - Each error is one line with file, line, variable, problem and hint. The values of secrets are
    never shown.
  - Runs only on the controller, without a connection to the host.
options:
  roles:
    description:
      - The roles whose C(meta/argument_specs.yml), entry point C(main), apply.
      - A variable whose prefix is the name of one of these roles must be in a spec.
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
    description: Changes nothing, also without check mode.
    support: full
  diff_mode:
    description: Shows the difference that a change makes.
    support: none
    details: There are no changes.
  platform:
    description: Systems that it can be used for.
    support: full
    platforms: posix
seealso:
  - module: pvs_bridge.core.bridge_facts
notes:
  - Variables that are missing or were set with C(-e) have neither file nor line.
"""

EXAMPLES = r"""
- name: Check the variables of the bridge
  pvs_bridge.core.preflight:
    roles: [common, pvs_link, uplink, proxy, compat, console_dns, health]
"""

RETURN = r"""
inputs:
  description: >-
    Digest of all that a run applies to the host: its variables, and the files of the roles and of
    this collection. For O(pvs_bridge.core.bridge_facts#module:inputs).
  returned: success
  type: str
  sample: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
msg:
  description: The host, then one line for each error.
  returned: failed
  type: str
  sample: |-
    garage: 2 errors in its variables
    inventory/home/garage.yml:12: proxy_http_port: must be from 1 to 65535, got 0; use at least 1
    uplink_networks: must contain a network, because uplink_type is wifi; add one with its ssid
issues:
  description: The same errors in the same order, for programs.
  returned: failed
  type: list
  elements: dict
  contains:
    variable:
      description: The variable, with its key or list index.
      type: str
      sample: proxy_http_port
    problem:
      description: What is wrong with it.
      type: str
      sample: must be from 1 to 65535, got 0
    hint:
      description: What to do about it.
      type: str
      sample: use at least 1
    file:
      description: The file of the value; null if unknown.
      type: str
      sample: inventory/home/garage.yml
    line:
      description: Counted from 1; null if unknown.
      type: int
      sample: 12
"""
