"""``make doctor``: examines a bridge over SSH alone, and names the first thing that is broken.

Nothing of it needs Ansible or Python on the Pi; the inventory says where the Pi is, as always.

=============  ===============================================================================
``patient``    what the inventory knows of a bridge
``ssh``        how OpenSSH would reach it: address, keys, known hosts
``session``    one connection by paramiko, over which the shell of the Pi is asked
``contact``    the way from this computer to the Pi, and what is known where it ends early
``probe.sh``   what the Pi's shell is asked, in one go; ``recording`` reads its answers
``world``      the Pi as the health check sees it, so that one judgement serves both
``pi``         what the health check does not look at: power, card, clock, services, radio
``chain``      all of it in order
``report``     the table, the likely cause, the cure
``secrets``    takes everything out of a text that nobody else may know
``bundle``     logs and configuration in one archive, after that
=============  ===============================================================================
"""

import sys
from pathlib import Path

import validation  # noqa: F401 - has Ansible's own importer find our collection

PROJECT = Path(__file__).resolve().parents[2]

# The health check's judgement is the doctor's too: the program is the same that roles/health
# installs on the Pi.
sys.path += [
    str(PROJECT / "ansible/collections"),
    str(PROJECT / "roles/health/files/usr/local/lib/pvs-bridge"),
]
