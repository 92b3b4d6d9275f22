"""The program for the controller: make init, validate, rehearse, doctor and docs."""

import sys

from bridgectl.paths import PROJECT

# The collection's plugins, and the agent's health check, which judges for the doctor too.
sys.path += [str(PROJECT / "ansible/collections"), str(PROJECT / "roles/agent/files")]
