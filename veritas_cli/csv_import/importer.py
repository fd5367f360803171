"""Import of a CSV file by the command, with its progress and its report."""

from dataclasses import dataclass, field

from rich.progress import Progress

from shared_db.results import OnConflict
from staffstuddash_service.datastore import DatastoreManager, TableKind
from staffstuddash_service.importing.table_run import BATCH_ROWS, TableRun
from veritas_cli.csv_import.file import TableFile
from veritas_cli.csv_import.report import TableReport

_ACTOR = "veritas import csv"


@dataclass
class CsvImport:
    """Import of one file into one table; nothing is stored if a row is refused.

    batch_rows: as of `TableRun`.
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
            InvalidRequest, ServiceError: as `TableRun.store`.
            CommandFailure: the file cannot be read.

        """
        bar = self.progress.add_task(f"Reading {self.file.name}", total=self.file.size)
        with self.file.opened() as source:
            run = TableRun(
                source,
                self.kind,
                _ACTOR,
                self.column_map,
                self.on_conflict,
                self.is_dry,
                self.batch_rows,
                on_batch=lambda: self.progress.update(bar, completed=source.position),
                on_refusal=lambda row: self.report.refuse(
                    row.line, row.column, row.field, row.reason
                ),
                map_option="--map",
            )
            try:
                run.store(self.datastore)
            finally:
                self.report.read = run.read
                self.report.outcomes |= run.outcomes
