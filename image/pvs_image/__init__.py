"""The card: from Debian's packages and this project's roles to what Raspberry Pi Imager writes.

`python3 -m pvs_image COMMAND`; each module of :mod:`pvs_image.commands` is one command.
"""
