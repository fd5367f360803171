"""Tables of rollups of events."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ARRAY, JSON, BigInteger, Index, Integer, Numeric, String, text
from sqlalchemy.orm import Mapped, mapped_column

from monitoring_service.models.base import Base
from shared_db.columns import Key
from shared_db.personal_data import register

_Metric = String(100).with_variant(String(100, collation="C"), "postgresql")
# In memory the tables of rollups stay empty.
_Integers = ARRAY(Integer).with_variant(JSON(), "sqlite")


@register(
    columns=(
        "bucket_seconds source metric start count is_cut total lowest highest p50 p95 p99 bins"
        " bin_counts"
    ),
    purpose="to answer long time series quickly",
    keep="as long as the events; deleted with their months, or made again without them",
)
class LogRollup(Base):
    """Events of a source, or of all, in 1, 6 or 24 hours, or the numbers under one key of `data`.

    The source is empty for all sources, the metric for the events themselves. is_cut: the source
    has more metrics, of which the rarest have no rollup. bins: see `database.rollups.sketch`.
    """

    __tablename__ = "log_rollups"
    __table_args__ = (
        # Only for one start: for a range, it would be read instead of the key, with all sources.
        Index(None, "start", postgresql_using="hash"),
        Index(
            "ix_log_rollups_cut",
            "start",
            postgresql_where=text("is_cut"),
            sqlite_where=text("is_cut"),
        ),
    )

    bucket_seconds: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    source: Mapped[str] = mapped_column(Key, primary_key=True)
    metric: Mapped[str] = mapped_column(_Metric, primary_key=True)
    start: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    is_cut: Mapped[bool]
    total: Mapped[Decimal | None] = mapped_column(Numeric)
    lowest: Mapped[Decimal | None] = mapped_column(Numeric)
    highest: Mapped[Decimal | None] = mapped_column(Numeric)
    p50: Mapped[float | None]
    p95: Mapped[float | None]
    p99: Mapped[float | None]
    bins: Mapped[list[int] | None] = mapped_column(_Integers)
    bin_counts: Mapped[list[int] | None] = mapped_column(_Integers)


@register(
    columns="bucket_seconds start after_transaction made_at",
    purpose="to know which periods have rollups",
    keep="as long as the events",
)
class LogRollupPeriod(Base):
    """Hour, or longer period, that has rollups once `made_at` is set, also if it has no events.

    after_transaction: number of a transaction of PostgreSQL; the hour is made when all earlier ones
    are over.
    """

    __tablename__ = "log_rollup_periods"

    bucket_seconds: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    start: Mapped[datetime] = mapped_column(primary_key=True)
    after_transaction: Mapped[int] = mapped_column(BigInteger)
    made_at: Mapped[datetime | None]


@register(
    columns="hour id",
    purpose="to make the rollups of an hour again after its events have changed",
    keep="until the rollups are made again, some minutes",
)
class LogRollupMark(Base):
    """Hour whose rollups are out of date; each writer adds a row of its own, so none waits."""

    __tablename__ = "log_rollup_marks"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(Key, primary_key=True)
