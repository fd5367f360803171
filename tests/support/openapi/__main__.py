"""Renewal of the documents: `make openapi`; with `released` also of the base, at a release."""

import sys

from tests.support.openapi.documents import write_documents, write_released


def main() -> None:
    """Write the documents, and with the argument `released` the base of breaking changes."""
    write_documents()
    if sys.argv[1:] == ["released"]:
        write_released()


main()
