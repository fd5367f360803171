"""Reader of an export: each file is staged row by row, with the roles of users beside it."""

from collections.abc import Callable, Iterator
from itertools import islice

from veritas_cli.oneroster.reading.account import Account, FileAccount
from veritas_cli.oneroster.reading.archive import Archive
from veritas_cli.oneroster.reading.cells import Row, RowRefused
from veritas_cli.oneroster.reading.columns import COLUMNS, ID, STATUS, File
from veritas_cli.oneroster.reading.manifest import FIRST_VERSION, Manifest, Mode
from veritas_cli.oneroster.reading.roles import roles_of
from veritas_cli.oneroster.reading.staging import BATCH_ROWS, StagedRow, Staging, UserRole
from veritas_cli.oneroster.reading.tables import Cells, Table

# `inactive` is a word of version 1.0.
_IS_ENDING = {"active": False, "tobedeleted": True, "inactive": True}


def read_files(
    archive: Archive,
    manifest: Manifest,
    staging: Staging,
    account: Account,
    advance: Callable[[int], object] | None = None,
) -> None:
    """Stage the rows of all files; the account refuses those without an id of their own.

    advance: called with the characters read since the last call.

    Raises:
        OneRosterError: a file is damaged, or lacks a column.

    """
    for file in manifest.present:
        columns = COLUMNS[file]
        counted = account.of(file.filename)
        with Table.opened(archive, file.filename, columns.all, (ID, *columns.required)) as table:
            rows = _staged_rows(file, table, counted)
            done = 0
            while batch := list(islice(rows, BATCH_ROWS)):
                _stage(batch, staging, counted, has_roles=_has_roles(file, manifest))
                if advance is not None:
                    advance(table.length - done)
                done = table.length
        account.notes += table.notes


def _staged_rows(file: File, table: Table, account: FileAccount) -> Iterator[StagedRow]:
    for line, cells in table:
        account.read += 1
        try:
            yield _staged(file, line, cells)
        except RowRefused as refusal:
            account.refuse(line, refusal.column, refusal.reason)


def _staged(file: File, line: int, cells: Cells) -> StagedRow:
    if isinstance(cells, str):
        raise RowRefused(None, cells)
    row = Row(cells)
    is_ending = row.choice(STATUS, _IS_ENDING) if row.has(STATUS) else False
    return StagedRow(file, row.id(ID), line, is_ending, cells)


def _has_roles(file: File, manifest: Manifest) -> bool:
    """Return True if the rows of a file have the roles of users."""
    if manifest.mode(File.ROLES) is Mode.ABSENT:
        return file is File.USERS and manifest.version == FIRST_VERSION
    return file is File.ROLES


def _stage(
    batch: list[StagedRow], staging: Staging, account: FileAccount, *, has_roles: bool
) -> None:
    repeated = staging.add(batch)
    for row in repeated:
        account.refuse(row.line, ID, "an earlier row has this id")
    if not has_roles:
        return
    refused = {row.line for row in repeated}
    roles: list[UserRole] = []
    for row in batch:
        if row.line in refused or (row.is_ending and row.file is File.ROLES):
            continue
        try:
            roles += roles_of(row)
        except RowRefused as refusal:
            account.refuse(row.line, refusal.column, refusal.reason)
    staging.add_roles(roles)
