"""Synthetic events for benchmarks: 50 sources, 90 days, words by Zipf's law, 5 % not NORMAL."""

import io
import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import accumulate

from psycopg2.extensions import connection
from sqlalchemy import Engine, text

from monitoring_service.database.event_keys import event_key
from monitoring_service.domain.rules import Verdict, judge

SEED = 20260302
SOURCES = [f"source-{number:02}" for number in range(50)]
COMPONENTS = ["search", "login", "export", "mail", "import"]
DAYS = 90
TROUBLE_SHARE = 0.05
WORDS = [f"w{number:04}" for number in range(5_000)]
# Zipf's law: a word's frequency is inverse to its rank.
_WEIGHTS = list(accumulate(1 / rank for rank in range(1, len(WORDS) + 1)))
_AT_ONCE = 20_000

_LOGS = (
    "COPY monitoring.monitoring_logs (id, source, component, event_type, message, data, timestamp,"
    " created_at, status, severity) FROM STDIN"
)
_KEYS = "COPY monitoring.event_keys (id, timestamp, digest) FROM STDIN"
_RESULTS = (
    "COPY monitoring.monitoring_results (event_id, timestamp, status, severity_score, reasoning,"
    " detected_issues, failed_rules, suggestions) FROM STDIN"
)
# Counts like those of the service; the slot is the last byte of the id, modulo 4.
_COUNTS = """
INSERT INTO monitoring.log_counts (source, month, status, slot, count)
SELECT source, date_trunc('month', timestamp AT TIME ZONE 'UTC')::date, status,
       ascii(right(id, 1)) % 4, count(*)
FROM monitoring.monitoring_logs GROUP BY 1, 2, 3, 4
"""
_MONTH = text("SELECT monitoring.add_log_month(CAST(:month AS date))")


def load(engine: Engine, count: int, now: datetime) -> None:
    """Put `count` events of the days before `now` into an empty, migrated database."""
    chooser = random.Random(SEED)
    with engine.begin() as session:
        for days in range(0, DAYS + 31, 28):
            session.execute(_MONTH, {"month": (now - timedelta(days=DAYS - days)).date()})
    raw = engine.raw_connection()
    try:
        for first in range(0, count, _AT_ONCE):
            numbers = range(first, min(first + _AT_ONCE, count))
            _copy(raw.driver_connection, chooser, numbers, now)  # type: ignore[arg-type]
        raw.commit()
    finally:
        raw.close()
    with engine.begin() as session:
        session.execute(text(_COUNTS))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
        session.execute(text("VACUUM ANALYZE"))


def _copy(psycopg: connection, chooser: random.Random, numbers: range, now: datetime) -> None:
    logs, keys, results = io.StringIO(), io.StringIO(), io.StringIO()
    for number in numbers:
        event_id, verdict, at, line = _event(chooser, number, now)
        logs.write(line)
        keys.write(f"{event_key(event_id)}\t{at}\t\\\\x{chooser.randbytes(16).hex()}\n")
        if verdict.findings:
            results.write("\t".join(_result(event_id, at, verdict)) + "\n")
    with psycopg.cursor() as cursor:
        for statement, lines in ((_LOGS, logs), (_KEYS, keys), (_RESULTS, results)):
            lines.seek(0)
            cursor.copy_expert(statement, lines)


def _event(chooser: random.Random, number: int, now: datetime) -> tuple[str, Verdict, str, str]:
    event_id = f"e{number:08}"
    is_trouble = chooser.random() < TROUBLE_SHARE
    milliseconds = chooser.uniform(1000, 6000) if is_trouble else chooser.uniform(10, 900)
    data = {"response_time": round(milliseconds, 1)}
    verdict = judge(data)
    at = (now - timedelta(days=DAYS) * chooser.random()).isoformat()
    columns = [
        event_id,
        chooser.choice(SOURCES),
        chooser.choice(COMPONENTS),
        "request",
        " ".join(_words(chooser)),
        json.dumps(data),
        at,
        at,
        verdict.status.value,
        str(verdict.severity),
    ]
    return event_id, verdict, at, "\t".join(columns) + "\n"


def _words(chooser: random.Random) -> Iterator[str]:
    yield from chooser.choices(WORDS, cum_weights=_WEIGHTS, k=8)


def _result(event_id: str, at: str, verdict: Verdict) -> list[str]:
    lists = [
        [finding.issue for finding in verdict.findings],
        [finding.rule for finding in verdict.findings],
        [finding.suggestion for finding in verdict.findings],
    ]
    plain = [event_id, at, verdict.status.value, str(verdict.severity), verdict.reasoning]
    return [*plain, *map(json.dumps, lists)]
