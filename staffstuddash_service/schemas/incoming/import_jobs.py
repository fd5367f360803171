"""Bodies of import jobs."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from shared_db.results import OnConflict
from shared_web.requests.fields import Body, Out
from staffstuddash_service.datastore import TableKind
from staffstuddash_service.domain.follow_ups.jobs import ImportState

Conflicts = Annotated[Literal["refuse", "update"], AfterValidator(OnConflict)]


class ImportChange(Body):
    """Next step of a checked import: store its rows, or with `dry_run` check them again.

    column_map: as `map` of the tables; null: the columns have the names of the fields.
    """

    column_map: Annotated[str, Field(min_length=1, max_length=10_000)] | None = None
    on_conflict: Conflicts = "refuse"
    dry_run: bool


class ImportProblemOut(Out):
    """Refused row; column: from 1, null if the field has none or several."""

    line: int
    column: int | None
    field: str
    message: str


class ImportOut(Out):
    """Import of a table.

    stored, changed, repeated: counts of rows so far. With a refused row, or a dry run, nothing was
    stored in the end. problems: of the first 100 refused rows. columns: names of the columns of a
    file that waits for a confirmation.
    """

    id: str
    kind: TableKind
    state: ImportState
    column_map: str | None
    on_conflict: OnConflict
    dry_run: bool
    encoding: str | None
    rows_read: int
    rows_total: int | None
    stored: int
    changed: int
    repeated: int
    refused: int
    problems: list[ImportProblemOut]
    reason: str | None
    requested_by: str
    is_cancelled: bool
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    needs_confirmation: bool
    columns: list[str] | None
