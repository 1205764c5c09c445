"""The command line: parse, call, print. Commands are 5 to 20 lines; the work is in the rooms."""

from patronage.cli.main import main

__all__ = ["main"]
