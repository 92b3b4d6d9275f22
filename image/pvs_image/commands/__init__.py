"""One module a command, named as the command is.

Each has a docstring, whose first line is the command's help; ``add_arguments(parser)``; and
``run(arguments)``, which returns the exit status and raises
:class:`~pvs_image.errors.ImageError` for what a person can hint.
"""
