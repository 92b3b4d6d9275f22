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
``report``     the table, the likely cause, the hint
``secrets``    takes everything out of a text that nobody else may know
``bundle``     logs and configuration in one archive, after that
=============  ===============================================================================
"""

import bridgectl.ansible_loader  # noqa: F401 - before anything of Ansible
