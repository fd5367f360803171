"""Import of a table: batches of rows are validated and stored in one transaction."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from shared_db.results import InsertResult, OnConflict, Outcome
from shared_web.problems import InvalidRequest
from shared_web.requests.batches import Batch, validate_items
from shared_web.requests.csv_body import refusal_of, row_item
from shared_web.requests.csv_rows import TableRow
from shared_web.requests.json_items import InvalidItem
from shared_web.requests.tables.columns import Columns, columns_of, parsed_map
from staffstuddash_service.datastore import DatastoreManager, TableImport, TableKind
from staffstuddash_service.importing.source import TableSource
from staffstuddash_service.schemas.tables import ROWS

BATCH_ROWS = 5000
NO_IDS = (
    "The table has no column for the id, so a second import would store its rows again. Name one "
    "with {map} id:COLUMN, or join columns: id:=quiz1+Student No."
)


@dataclass(frozen=True)
class RefusedRow:
    """Refused row; column: from 1, None if the field has none or several. title: without ids."""

    line: int
    column: int | None
    field: str
    reason: str
    title: str


@dataclass
class TableRun:
    """Run of an import; nothing is stored if a row is refused.

    batch_rows: rows in memory at once, at least 1. on_batch: called after each batch is read.
    on_refusal: called for each refused row. map_option: name of the column map for the sender.
    """

    source: TableSource
    kind: TableKind
    actor: str
    column_map: str | None = None
    on_conflict: OnConflict = OnConflict.REFUSE
    is_dry: bool = False
    batch_rows: int = BATCH_ROWS
    on_batch: Callable[[], object] = lambda: None
    on_refusal: Callable[[RefusedRow], object] = lambda _: None
    map_option: str = "map"
    read: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)

    def store(self, datastore: DatastoreManager) -> None:
        """Store all rows, or none if one of them is refused or the run is dry.

        Raises:
            InvalidRequest: the map, the header or a quote is wrong, there are no rows, or rows
                could not be told from those of an earlier import.
            ServiceError: as `TableRepository.store`.

        """
        model = ROWS[self.kind].model
        chosen = None if self.column_map is None else parsed_map(self.column_map, model)
        rows = self.source.rows()
        columns = columns_of(next(rows, TableRow(1, [])), model, chosen)
        if "id" in model.model_fields and "id" not in columns.parts:
            raise InvalidRequest(NO_IDS.format(map=self.map_option))
        table = TableImport(self.kind, columns.parts, self.actor, self.on_conflict, self.is_dry)
        batches = _Batches(self, columns, rows)
        datastore.tables.store_all(
            table, batches.items(), batches.count, lambda: not self.outcomes[Outcome.REFUSED]
        )


class _Batches:
    """Batches of a table, of which one is in memory at a time."""

    def __init__(self, run: TableRun, columns: Columns, rows: Iterator[TableRow]) -> None:
        self._run = run
        self._columns = columns
        self._rows = rows
        self._batch: Batch[Any] = Batch({}, {})
        self._lines: list[int] = []

    def items(self) -> Iterator[Sequence[Any]]:
        """Yield the items of each batch.

        Raises:
            InvalidRequest: there are no rows, or one cannot be read.

        """
        run, rows = self._run, ROWS[self._run.kind]
        while part := list(islice(self._rows, run.batch_rows)):
            run.read += len(part)
            self._lines = [row.line for row in part]
            self._batch = validate_items(map(self._item, part), rows.model)
            yield [rows.item(fields) for fields in self._batch.fields()]
            run.on_batch()
        if not run.read:
            raise InvalidRequest("The table has no rows.")

    def count(self, results: Sequence[InsertResult]) -> None:
        """Count the outcomes of the present batch, in the order of its rows."""
        run, by_index = self._run, dict(zip(self._batch.valid, results, strict=True))
        for index, line in enumerate(self._lines):
            result = by_index.get(index)
            if result is None:
                error = self._batch.refused[index][0]
                name, reason = error["field"], error["message"]
                title = reason
            elif refusal := refusal_of(result, self._columns.parts):
                name, reason = refusal.field, refusal.message
                title = reason if result.refusal is None else result.refusal.title
            else:
                run.outcomes[result.outcome] += 1
                continue
            run.outcomes[Outcome.REFUSED] += 1
            run.on_refusal(RefusedRow(line, self._columns.place(name), name, reason, title))

    def _item(self, row: TableRow) -> dict[str, Any] | InvalidItem:
        model = ROWS[self._run.kind].model
        item = row_item(row, self._columns, model)
        if isinstance(item, dict) and "id" in model.model_fields and "id" not in item:
            return InvalidItem("has no id")
        return item
