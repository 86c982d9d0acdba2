"""``python -m metasolve``: the command line."""

from metasolve.cli.main import main

main()
