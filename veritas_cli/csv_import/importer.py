"""Import of a table: batches of rows are validated and stored in one transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from rich.progress import Progress

from shared_db.results import InsertResult, OnConflict
from shared_web.problems import InvalidRequest
from shared_web.requests.batches import Batch, validate_items
from shared_web.requests.csv_body import refusal_of, row_item
from shared_web.requests.csv_rows import TableRow
from shared_web.requests.json_items import InvalidItem
from shared_web.requests.tables.columns import Columns, columns_of, parsed_map
from staffstuddash_service.datastore import DatastoreManager, TableImport, TableKind
from staffstuddash_service.schemas.tables import ROWS
from veritas_cli.csv_import.file import TableFile
from veritas_cli.csv_import.report import TableReport
from veritas_cli.errors import CommandFailure

BATCH_ROWS = 5000
_ACTOR = "veritas import csv"
_NO_IDS = (
    "The table has no column for the id, so a second import would store its rows again. Name one "
    "with --map id:COLUMN, or join columns: --map 'id:=quiz1+Student No'."
)


@dataclass
class CsvImport:
    """Import of one file into one table; nothing is stored if a row is refused.

    batch_rows: rows in memory at once, at least 1.
    """

    file: TableFile
    kind: TableKind
    datastore: DatastoreManager
    progress: Progress
    column_map: str | None = None
    on_conflict: OnConflict = OnConflict.REFUSE
    is_dry: bool = False
    batch_rows: int = BATCH_ROWS
    report: TableReport = field(default_factory=TableReport)

    def run(self) -> None:
        """Store all rows, or none if one of them is refused or the run is dry.

        Raises:
            InvalidRequest: the map, the header or a quote is wrong, or there are no rows.
            CommandFailure: rows could not be told from those of an earlier import.
            ServiceError: as `TableRepository.store`.

        """
        model = ROWS[self.kind].model
        chosen = None if self.column_map is None else parsed_map(self.column_map, model)
        rows = self.file.rows()
        columns = columns_of(next(rows, TableRow(1, [])), model, chosen)
        if "id" in model.model_fields and "id" not in columns.parts:
            raise CommandFailure(_NO_IDS)
        table = TableImport(self.kind, columns.parts, _ACTOR, self.on_conflict, self.is_dry)
        run = _Run(self, columns, rows)
        self.datastore.tables.store_all(
            table, run.batches(), run.count, lambda: not self.report.refused
        )


class _Run:
    """Batches of a file, of which one is in memory at a time."""

    def __init__(self, task: CsvImport, columns: Columns, rows: Iterator[TableRow]) -> None:
        self._task = task
        self._columns = columns
        self._rows = rows
        self._batch: Batch[Any] = Batch({}, {})
        self._lines: list[int] = []

    def batches(self) -> Iterator[Sequence[Any]]:
        """Yield the items of each batch.

        Raises:
            InvalidRequest: there are no rows, or one cannot be read.

        """
        task, rows = self._task, ROWS[self._task.kind]
        bar = task.progress.add_task(f"Reading {task.file.name}", total=task.file.size)
        while part := list(islice(self._rows, task.batch_rows)):
            task.report.read += len(part)
            self._lines = [row.line for row in part]
            self._batch = validate_items(map(self._item, part), rows.model)
            yield [rows.item(fields) for fields in self._batch.fields()]
            task.progress.update(bar, completed=task.file.position)
        if not task.report.read:
            raise InvalidRequest("The table has no rows.")

    def count(self, results: Sequence[InsertResult]) -> None:
        """Count the outcomes of the present batch, in the order of its rows."""
        report, by_index = self._task.report, dict(zip(self._batch.valid, results, strict=True))
        for index, line in enumerate(self._lines):
            result = by_index.get(index)
            if result is None:
                error = self._batch.refused[index][0]
                name, reason = error["field"], error["message"]
            elif refusal := refusal_of(result, self._columns.parts):
                name, reason = refusal.field, refusal.message
            else:
                report.outcomes[result.outcome] += 1
                continue
            report.refuse(line, self._columns.place(name), name, reason)

    def _item(self, row: TableRow) -> dict[str, Any] | InvalidItem:
        model = ROWS[self._task.kind].model
        item = row_item(row, self._columns, model)
        if isinstance(item, dict) and "id" in model.model_fields and "id" not in item:
            return InvalidItem("has no id")
        return item
