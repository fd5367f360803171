"""Staged rows, records and refusals of an export, as the tests read them."""

import tempfile
from collections.abc import Collection
from pathlib import Path

from tests.support.oneroster_files import Files, small_school, texts, write_folder
from veritas_cli.oneroster.checks import Checks, Kind
from veritas_cli.oneroster.drafts import Record
from veritas_cli.oneroster.reading.account import Account, refusal_lines
from veritas_cli.oneroster.reading.archive import Archive
from veritas_cli.oneroster.reading.columns import File
from veritas_cli.oneroster.reading.manifest import read_manifest
from veritas_cli.oneroster.reading.reader import read_files
from veritas_cli.oneroster.reading.staging import StagedRow, Staging

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


# Students that were erased before.
ERASED = frozenset({"st-erased"})

Stored = dict[Kind, set[str]]


def checked(
    school: Files, *, mode: str = "bulk", stored: Stored | None = None
) -> tuple[list[Record], Account]:
    """Return the records of an export, and the account of its checks."""

    def known(kind: Kind, ids: Collection[str]) -> Collection[str]:
        return (stored or {}).get(kind, set()) & set(ids)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive, account = (
            Archive(write_folder(folder / "export", texts(school, mode=mode))),
            Account(),
        )
        manifest = read_manifest(archive)
        with Staging.opened(folder) as staging:
            read_files(archive, manifest, staging, account)
            checks = Checks(staging, manifest, known, lambda ids: ERASED & set(ids))
            checks.run(account)
            files = [] if account.refused else manifest.present
            drafts = [one for file in files for b in checks.drafts(file) for one in b]
    return [record for draft in drafts for record in draft.records], account


def refusals(files: Files, *, mode: str = "bulk", stored: Stored | None = None) -> list[str]:
    """Return the lines that name the refused rows."""
    return list(refusal_lines(checked(files, mode=mode, stored=stored)[1].files.values()))


def changed(name: str, number: int, **values: str) -> Files:
    """Return the small school with other cells in one row."""
    files = small_school()
    files[name][number] |= values
    return files
