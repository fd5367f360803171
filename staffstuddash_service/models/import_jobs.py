"""Import jobs: tables that are stored in the background, and the pieces of waiting files."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from shared_db.columns import Key, enum_column
from shared_db.personal_data import STAFF, STUDENT, personal, register
from shared_db.results import OnConflict
from staffstuddash_service.domain.follow_ups.jobs import ImportState
from staffstuddash_service.models.base import Base

_THIRTY_DAYS = "for 30 days after the import"


@register(
    columns=(
        "id kind state column_map on_conflict dry_run encoding rows_read rows_total stored "
        "changed repeated refused problems reason attempts is_cancelled created_at started_at "
        "ended_at needs_confirmation columns"
    ),
    purpose="to import a table, and to show what became of it",
    keep=_THIRTY_DAYS,
)
class ImportJob(Base):
    """Import of a table; problems have lines and columns, and no data of persons."""

    __tablename__ = "import_jobs"
    __table_args__ = (Index(None, "state", "id"),)

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40), comment="students, people, classes ...")
    state: Mapped[ImportState] = mapped_column(enum_column(ImportState))
    column_map: Mapped[str | None] = mapped_column(Text)
    on_conflict: Mapped[OnConflict] = mapped_column(enum_column(OnConflict))
    dry_run: Mapped[bool]
    requested_by: Mapped[str] = mapped_column(
        Key, comment="The name of the caller", info=personal(STAFF)
    )
    encoding: Mapped[str | None] = mapped_column(String(40))
    rows_read: Mapped[int]
    rows_total: Mapped[int | None]
    stored: Mapped[int]
    changed: Mapped[int]
    repeated: Mapped[int]
    refused: Mapped[int]
    problems: Mapped[list[Any]] = mapped_column(comment="Of the first 100 refused rows")
    reason: Mapped[str | None] = mapped_column(Text, comment="Of a refused or failed import")
    attempts: Mapped[int] = mapped_column(comment="Begun runs; more than one after a restart")
    is_cancelled: Mapped[bool]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    needs_confirmation: Mapped[bool] = mapped_column(
        server_default=false(), comment="Whether it waits in the state `checked` after a dry run"
    )
    columns: Mapped[list[Any] | None] = mapped_column(
        comment="Names of the file's columns, until the import ends"
    )


@register(
    STUDENT,
    STAFF,
    columns="job_id number content",
    purpose="to store the rows of the file",
    keep="until the import ends",
)
class ImportPiece(Base):
    """Part of the file of a waiting or running import."""

    __tablename__ = "import_pieces"

    job_id: Mapped[str] = mapped_column(
        Key, ForeignKey("staffstuddash.import_jobs.id"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
