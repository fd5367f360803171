"""Check of the database with all three services; the same as `veritas check`."""

import sys

from veritas_cli.commands.check import report

if __name__ == "__main__":
    sys.exit(0 if report() else 1)
