"""``make rehearse``: a bridge's own description, applied to a twin of its Pi in the lab.

===============  =============================================================================
``description``  what the inventory says of the bridge, without its secrets
``stand_ins``    what stands in their place
``live``         the bridge itself, if it answers: what it is, what it would get
``choice``       which Pi and which PVS the twin is of
``home``         the addresses around it
``twin``         what the description becomes where there is neither radio nor real home
``stage``        the twin's lab: up, provisioned, looked at, down
``card``         which files of the card have changed
``record``       what the last rehearsal has put there, and the difference
===============  =============================================================================
"""
