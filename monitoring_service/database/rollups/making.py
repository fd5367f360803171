"""SQL that makes the rollups of hours from their events, and longer ones from those of hours."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from monitoring_service.database.rollups.sketch import bin_of, percentiles, ranked

HOUR_SECONDS = 3_600
# Six hours and a day, the buckets for which a request can ask beside an hour; made from hours.
LONGER = (21_600, 86_400)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Metrics of one source in an hour, and of all sources together; the most frequent ones.
MOST_METRICS, MOST_METRICS_OF_ALL = 100, 1_000
# The names that a request can ask for.
METRIC = "^[A-Za-z0-9_-]{1,100}$"

_INSERT = (
    "INSERT INTO monitoring.log_rollups (bucket_seconds, source, metric, start, count, is_cut,"
    " total, lowest, highest, p50, p95, p99, bins, bin_counts)"
)
_WITHOUT_METRIC = "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL"
_FOUND = f"""
ranked AS ({ranked("bins", "source", "metric")}),
found AS (
    SELECT source, metric, CAST(sum(n) AS bigint) AS count, sum(total) AS total,
        min(lowest) AS lowest, max(highest) AS highest,
        {percentiles("min(lowest)", "max(highest)")},
        array_agg(bin ORDER BY bin) AS bins,
        array_agg(CAST(n AS integer) ORDER BY bin) AS bin_counts
    FROM ranked GROUP BY source, metric
)
"""  # noqa: S608 - our own names
_FIGURES = "total, lowest, highest, p50, p95, p99, bins, bin_counts"

_HOUR = text(f"""
WITH events AS MATERIALIZED (
    SELECT source, CASE WHEN jsonb_typeof(data) = 'object' THEN data END AS data
    FROM monitoring.monitoring_logs WHERE timestamp >= :start AND timestamp < :end
),
numbers AS (
    SELECT source, key, CAST(value AS numeric) AS number FROM events, jsonb_each(data)
    WHERE jsonb_typeof(value) = 'number' AND key ~ :metric
),
placed AS (SELECT source, key, number, {bin_of("number")} AS bin FROM numbers),
bins AS (
    SELECT coalesce(source, '') AS source, key AS metric, bin, count(*) AS n,
        sum(number) AS total, min(number) AS lowest, max(number) AS highest
    FROM placed GROUP BY GROUPING SETS ((source, key, bin), (key, bin))
),
{_FOUND},
placed_metrics AS (
    SELECT *, row_number() OVER (PARTITION BY source ORDER BY count DESC, metric)
        <= CASE WHEN source = '' THEN :most_of_all ELSE :most END AS is_kept
    FROM found
),
counted AS (
    SELECT coalesce(source, '') AS source, count(*) AS count
    FROM events GROUP BY GROUPING SETS ((source), ()) HAVING count(*) > 0
)
{_INSERT}
SELECT :seconds, source, '', :start, count, EXISTS (
    SELECT FROM placed_metrics AS known WHERE known.source = counted.source AND NOT known.is_kept
), {_WITHOUT_METRIC} FROM counted
UNION ALL
SELECT :seconds, source, metric, :start, count, false, {_FIGURES} FROM placed_metrics WHERE is_kept
""")  # noqa: S608 - our own names

# A metric that was cut in one hour of a source is left out.
_LONGER = text(f"""
WITH hours AS MATERIALIZED (
    SELECT * FROM monitoring.log_rollups
    WHERE bucket_seconds = :hour_seconds AND start >= :start AND start < :end
),
counted AS (
    SELECT source, sum(count) AS count, bool_or(is_cut) AS is_cut
    FROM hours WHERE metric = '' GROUP BY source
),
cut AS (SELECT source, start FROM hours WHERE metric = '' AND is_cut),
incomplete AS (
    SELECT metrics.source, metrics.metric
    FROM (SELECT DISTINCT source, metric FROM hours WHERE metric <> '') AS metrics
    JOIN cut ON cut.source = metrics.source
    LEFT JOIN hours ON (hours.source, hours.metric, hours.start)
        = (metrics.source, metrics.metric, cut.start)
    WHERE hours.start IS NULL
),
kept AS (
    SELECT * FROM hours WHERE metric <> ''
        AND (source, metric) NOT IN (SELECT source, metric FROM incomplete)
),
sums AS (
    SELECT source, metric, sum(total) AS total, min(lowest) AS lowest, max(highest) AS highest
    FROM kept GROUP BY source, metric
),
merged AS (
    SELECT source, metric, bin, sum(n) AS n
    FROM kept, unnest(bins, bin_counts) AS part (bin, n) GROUP BY source, metric, bin
),
bins AS (
    SELECT merged.*, lowest, highest,
        CASE WHEN row_number() OVER (PARTITION BY source, metric ORDER BY bin) = 1 THEN total END
            AS total
    FROM merged JOIN sums USING (source, metric)
),
{_FOUND}
{_INSERT}
SELECT :seconds, source, '', :start, count, is_cut, {_WITHOUT_METRIC} FROM counted
UNION ALL
SELECT :seconds, source, metric, :start, count, false, {_FIGURES} FROM found
""")  # noqa: S608 - our own names

_DELETE = text(
    "DELETE FROM monitoring.log_rollups WHERE bucket_seconds = :seconds AND start = :start"
)
_DELETE_PERIOD = text(
    "DELETE FROM monitoring.log_rollup_periods WHERE bucket_seconds = :seconds AND start = :start"
)
_COUNT_MADE = text(
    "SELECT count(made_at) FROM monitoring.log_rollup_periods"
    " WHERE bucket_seconds = :hour_seconds AND start >= :start AND start < :end"
)
_ADD_PERIOD = text(
    "INSERT INTO monitoring.log_rollup_periods (bucket_seconds, start, after_transaction, made_at)"
    " VALUES (:seconds, :start, 0, now())"
)
_MADE = text(
    "UPDATE monitoring.log_rollup_periods SET made_at = now()"
    " WHERE bucket_seconds = :seconds AND start = :start RETURNING true"
)


def make_hour(session: Session, start: datetime) -> None:
    """Make the rollups of an hour again; its marks must have been deleted before."""
    of = {"seconds": HOUR_SECONDS, "start": start}
    # First: a deletion of old periods waits for this one, or has come before.
    if not session.scalar(_MADE, of):
        return
    session.execute(_DELETE, of)
    more = {"end": start + timedelta(hours=1), "metric": METRIC}
    most = {"most": MOST_METRICS, "most_of_all": MOST_METRICS_OF_ALL}
    session.execute(_HOUR, {**of, **more, **most})


def make_longer(session: Session, hours: Iterable[datetime]) -> None:
    """Make the longer rollups that contain these hours again; see `_make_from_hours`."""
    for seconds in LONGER:
        length = timedelta(seconds=seconds)
        for start in sorted({hour - (hour - _EPOCH) % length for hour in hours}):
            _make_from_hours(session, seconds, start)


def _make_from_hours(session: Session, seconds: int, start: datetime) -> None:
    """Make the rollups of a period if all of its hours are made; otherwise it has none."""
    of = {"seconds": seconds, "start": start}
    session.execute(_DELETE, of)
    session.execute(_DELETE_PERIOD, of)
    hours = {"end": start + timedelta(seconds=seconds), "hour_seconds": HOUR_SECONDS}
    if session.scalar(_COUNT_MADE, {**of, **hours}) == seconds // HOUR_SECONDS:
        session.execute(_LONGER, {**of, **hours})
        session.execute(_ADD_PERIOD, of)
