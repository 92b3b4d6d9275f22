"""The image builder: makes an SD card image from Debian packages and this project's roles.

Run it as `python3 -m pvs_image COMMAND`. Each module of :mod:`pvs_image.commands` is one command.
"""
