"""The program for the controller: make init, validate, rehearse, doctor and docs."""

import sys

from bridgectl.paths import PROJECT

# The collection's plugins, and the agent, whose health check the doctor uses too.
sys.path += [str(PROJECT / "ansible/collections"), str(PROJECT / "roles/agent/files")]
