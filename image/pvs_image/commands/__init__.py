"""One module per command, with the command's name.

Each module has a docstring, whose first line is the help text; ``add_arguments(parser)``; and
``run(arguments)``, which returns the exit status and raises
:class:`~pvs_image.errors.ImageError` for what the user can correct.
"""
