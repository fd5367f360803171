"""Staged rows of an export, as the tests read them."""

from pathlib import Path

from veritas_cli.oneroster.account import Account
from veritas_cli.oneroster.archive import Archive
from veritas_cli.oneroster.columns import File
from veritas_cli.oneroster.manifest import read_manifest
from veritas_cli.oneroster.reader import read_files
from veritas_cli.oneroster.staging import StagedRow, Staging

Staged = dict[File, list[StagedRow]]


def staged(path: Path, folder: Path) -> tuple[Staged, Account]:
    """Read an export; `folder` takes the temporary files."""
    archive, account = Archive(path), Account()
    found = read_manifest(archive)
    account.notes += found.notes
    (folder / "staging").mkdir(exist_ok=True)
    (folder / "staging" / "rows.db").unlink(missing_ok=True)
    with Staging.opened(folder / "staging") as staging:
        read_files(archive, found, staging, account)
        rows = {file: [row for b in staging.batches(file) for row in b] for file in File}
    return rows, account
