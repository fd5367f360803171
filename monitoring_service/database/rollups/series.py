"""Points of a series from rollups, and from the events of the hours that have none."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import RowMapping, TextClause, text
from sqlalchemy.orm import Session

from monitoring_service.database.rollups.making import HOUR_SECONDS, LONGER
from monitoring_service.database.rollups.sketch import bin_of, percentiles, ranked

# More gaps would make the statement slower than reading all events.
MOST_GAPS = 200
_MEAN_PLACES = 323

Range = tuple[datetime, datetime]


@dataclass(frozen=True)
class Asked:
    """Series that rollups can answer; sources: None for all; metric: empty for none."""

    start: datetime
    end: datetime
    bucket_seconds: int
    sources: Sequence[str] | None
    is_by_source: bool
    metric: str
    percentiles: bool


# Made, without marks, and with the metric in all of the sources from which metrics were cut.
_MADE = text("""
SELECT period.start
FROM unnest(CAST(:froms AS timestamptz[]), CAST(:untils AS timestamptz[])) AS part (since, until)
JOIN monitoring.log_rollup_periods AS period ON period.bucket_seconds = :seconds
    AND period.start >= part.since
    AND period.start <= part.until - make_interval(secs => :seconds)
WHERE period.made_at IS NOT NULL
AND NOT EXISTS (
    SELECT FROM monitoring.log_rollup_marks AS mark
    WHERE mark.hour >= period.start
        AND mark.hour < period.start + make_interval(secs => :seconds)
)
AND (:metric = '' OR NOT EXISTS (
    SELECT FROM monitoring.log_rollups AS cut
    WHERE cut.is_cut AND cut.start = period.start AND cut.bucket_seconds = :seconds
        AND CASE WHEN :of_all THEN cut.source = ''
            ELSE cut.source <> '' AND (NOT :of_some OR cut.source = ANY (:sources)) END
        AND NOT EXISTS (
            SELECT FROM monitoring.log_rollups AS kept
            WHERE kept.bucket_seconds = :seconds AND kept.start = period.start
                AND kept.source = cut.source AND kept.metric = :metric
        )
))
ORDER BY 1
""")
_KNOWN_SOURCES = "ARRAY(SELECT DISTINCT source FROM monitoring.log_counts)"


def rolled_points(session: Session, asked: Asked, most: int) -> Sequence[RowMapping] | None:
    """Return the points, at most so many, or None if no rollup can be used.

    All statements must read the same state of the rows.
    """
    open_: list[Range] = [(asked.start, asked.end)]
    used = list[tuple[int, Range]]()
    for seconds in sorted((HOUR_SECONDS, *LONGER), reverse=True):
        if asked.bucket_seconds % seconds:
            continue
        found = _joined(_made(session, asked, seconds, open_), timedelta(seconds=seconds))
        used += [(seconds, part) for part in found]
        open_ = [gap for part in open_ for gap in _gaps(part, found)]
    if not used or len(open_) > MOST_GAPS:
        return None
    return session.execute(*_statement(asked, used, open_, most)).mappings().all()


def _made(
    session: Session, asked: Asked, seconds: int, parts: Sequence[Range]
) -> Sequence[datetime]:
    values = {
        "froms": [part[0] for part in parts],
        "untils": [part[1] for part in parts],
        "seconds": seconds,
        "metric": asked.metric,
        "of_all": asked.sources is None and not asked.is_by_source,
        "of_some": asked.sources is not None,
        "sources": list(asked.sources or [""]),
    }
    return session.scalars(_MADE, values).all()


def _joined(starts: Iterable[datetime], length: timedelta) -> list[Range]:
    """Return the ranges of neighbouring periods, in order."""
    ranges = list[Range]()
    for start in starts:
        if ranges and ranges[-1][1] == start:
            ranges[-1] = (ranges[-1][0], start + length)
        else:
            ranges.append((start, start + length))
    return ranges


def _gaps(whole: Range, parts: Sequence[Range]) -> list[Range]:
    """Return the rest of a range without the parts of it, which are in order."""
    at, end = whole
    gaps = list[Range]()
    for since, until in parts:
        if since < at or until > end:
            continue
        if since > at:
            gaps.append((at, since))
        at = until
    return [*gaps, (at, end)] if at < end else gaps


def _statement(
    asked: Asked, used: Sequence[tuple[int, Range]], gaps: Sequence[Range], most: int
) -> tuple[TextClause, dict[str, Any]]:
    values: dict[str, Any] = {
        "lengths": [seconds for seconds, _ in used],
        "froms": [part[0] for _, part in used],
        "untils": [part[1] for _, part in used],
        "metrics": ["", asked.metric] if asked.metric else [""],
        "metric": asked.metric,
        "size": asked.bucket_seconds,
        "most": most,
        "percentiles": asked.percentiles,
    }
    # As constants, with which the planner finds the months and estimates the rows.
    for number, (since, until) in enumerate(gaps):
        values |= {f"since_{number}": since, f"until_{number}": until}
    within = " OR ".join(
        f"(timestamp >= :since_{number} AND timestamp < :until_{number})"
        for number in range(len(gaps))
    )
    sources, of_source = _KNOWN_SOURCES if asked.is_by_source else "ARRAY['']", "true"
    if asked.sources is not None:
        sources, of_source = "CAST(:sources AS varchar[])", "source = ANY (:sources)"
        values["sources"] = list(asked.sources)
    return _points(asked.is_by_source, bool(asked.metric), sources, of_source, within), values


@lru_cache(maxsize=64)
def _points(
    is_by_source: bool,  # noqa: FBT001 - a key of the cache
    has_metric: bool,  # noqa: FBT001 - a key of the cache
    sources: str,
    of_source: str,
    within: str,
) -> TextClause:
    return text(
        _POINTS.format(
            group="source" if is_by_source else "''",
            number=_NUMBER if has_metric else "CAST(NULL AS numeric)",
            sources=sources,
            of_source=of_source,
            within=within or "false",
        )
    )


_NUMBER = (
    "CASE WHEN jsonb_typeof(jsonb_object_field(data, :metric)) = 'number'"
    " THEN CAST(jsonb_object_field(data, :metric) AS numeric) END"
)
_BUCKET = (
    "date_bin(make_interval(secs => :size), {instant}, CAST('1970-01-01 00:00+00' AS timestamptz))"
)
# A bucket of one rollup has its percentiles stored; those of others are read from all bins.
_POINTS = f"""
WITH stored AS MATERIALIZED (
    SELECT {_BUCKET.format(instant="start")} AS bucket, {{group}} AS grouped, row.*
    FROM unnest(CAST(:lengths AS integer[]), CAST(:froms AS timestamptz[]),
        CAST(:untils AS timestamptz[])) AS part (seconds, since, until)
    CROSS JOIN LATERAL (
        SELECT * FROM monitoring.log_rollups
        WHERE bucket_seconds = part.seconds AND source = ANY ({{sources}})
            AND metric = ANY (CAST(:metrics AS varchar[]))
            AND start >= part.since AND start < part.until
        OFFSET 0
    ) AS row
),
events AS MATERIALIZED (
    SELECT {_BUCKET.format(instant="timestamp")} AS bucket, {{group}} AS grouped,
        {{number}} AS number
    FROM monitoring.monitoring_logs WHERE ({{within}}) AND {{of_source}}
),
parts AS (
    SELECT bucket, grouped, CASE WHEN metric = '' THEN count END AS events,
        CASE WHEN metric <> '' THEN count END AS measured, total, lowest, highest, p50, p95, p99,
        CASE WHEN metric <> '' THEN 1 END AS parts
    FROM stored
    UNION ALL
    SELECT bucket, grouped, count(*), count(number), sum(number), min(number), max(number),
        NULL, NULL, NULL, CASE WHEN count(number) > 0 THEN 2 END
    FROM events GROUP BY bucket, grouped
),
totals AS MATERIALIZED (
    SELECT bucket, grouped, CAST(sum(events) AS bigint) AS events,
        CAST(coalesce(sum(measured), 0) AS bigint) AS measured, sum(total) AS total,
        min(lowest) AS lowest, max(highest) AS highest, min(p50) AS p50, min(p95) AS p95,
        min(p99) AS p99, sum(parts) AS parts
    FROM parts GROUP BY bucket, grouped
),
binned AS (
    SELECT stored.bucket, stored.grouped, part.bin, part.n
    FROM stored JOIN totals USING (bucket, grouped),
        unnest(stored.bins, stored.bin_counts) AS part (bin, n)
    WHERE :percentiles AND totals.parts > 1
    UNION ALL
    SELECT bucket, grouped, {bin_of("number")}, 1 FROM events
    WHERE :percentiles AND number IS NOT NULL
),
bins AS (SELECT bucket, grouped, bin, sum(n) AS n FROM binned GROUP BY bucket, grouped, bin),
ranked AS (
    SELECT row.*, totals.lowest, totals.highest
    FROM ({ranked("bins", "bucket", "grouped")}) AS row JOIN totals USING (bucket, grouped)
),
merged AS (
    SELECT bucket, grouped, {percentiles("min(lowest)", "max(highest)")}
    FROM ranked GROUP BY bucket, grouped
)
SELECT bucket, nullif(grouped, '') AS grouped, totals.events, totals.measured,
    CAST(round(total / nullif(totals.measured, 0), {_MEAN_PLACES}) AS double precision) AS mean,
    CAST(highest AS double precision) AS max, coalesce(merged.p50, totals.p50) AS p50,
    coalesce(merged.p95, totals.p95) AS p95, coalesce(merged.p99, totals.p99) AS p99
FROM totals LEFT JOIN merged USING (bucket, grouped)
ORDER BY bucket, totals.grouped LIMIT :most
"""  # noqa: S608 - our own names
