"""Documentation of the action plugin of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
author: The pvs-bridge authors
version_added: "0.1.0"
short_description: Check the description of a bridge before anything changes
description:
  - Checks the variables of each host against the argument specs of the roles, and against each
    other, and fails with every mistake that it finds.
  - Each finding is one line with file, line, variable, problem and hint. The value of a secret
    is never shown.
  - Runs on the controller alone, without a connection to the host.
options:
  roles:
    description:
      - The roles whose C(meta/argument_specs.yml), entry point C(main), apply.
      - A variable that begins with the name of one of these and an underscore, and is in no
        spec, is a mistake.
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
    description: Changes nothing, so that it does the same in check mode.
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
  - module: pvs_bridge.core.bridge_facts
notes:
  - File and line come from ansible-core 2.19 or later; a finding about a variable that was given
    with C(-e), or is missing, has none.
"""

EXAMPLES = r"""
- name: Refuse a bridge that is described wrongly
  pvs_bridge.core.preflight:
    roles: [bridge, pvs_link, uplink, proxy, compat, console_dns, health]
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
  description: The host, then one line for each mistake.
  returned: failed
  type: str
  sample: |-
    garage: 2 mistakes in its variables
    inventory/home/garage.yml:12: uplink_country: UK is no country's code (ISO 3166); write GB
    uplink_networks: has no network, and uplink_type is wifi; add one with its ssid and passphrase
findings:
  description: The same for programs, in the same order.
  returned: failed
  type: list
  elements: dict
  contains:
    variable:
      description: As one writes it down.
      type: str
      sample: uplink_networks[0].passphrase
    problem:
      description: What is wrong with it.
      type: str
      sample: UK is no country's code (ISO 3166)
    hint:
      description: What to do about it.
      type: str
      sample: write GB
    file:
      description: Where it was written; null where that is not known.
      type: str
      sample: inventory/home/garage.yml
    line:
      description: Counted from 1; null where it is not known.
      type: int
      sample: 12
"""
