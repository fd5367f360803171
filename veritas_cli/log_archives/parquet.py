"""Parquet files of events, written, checked and read by DuckDB."""

# ruff: noqa: S608 - the SQL here has the names of our own files and columns

import json
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from monitoring_service.database.log_archives import COLUMNS, FINGERPRINT, Summary
from shared_db.columns import Row
from shared_db.errors import ConfigurationError

_INSTANTS = ("timestamp", "created_at")
_JSON = ("data", "metadata", "detected_issues", "failed_rules", "suggestions")
# Larger than any body that a service accepts.
_LONGEST_LINE = 64 * 1024 * 1024
_BATCH = 5_000


def write_parquet(csv: Path, parquet: Path) -> None:
    """Write rows of the CSV of `LogArchiveRepository` as Parquet, compressed by zstd."""
    with _duckdb().connect() as database:
        database.execute(
            f"COPY (SELECT * FROM read_csv({_text(csv)}, header = false, auto_detect = false,"
            " delim = ',', quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = false,"
            f" parallel = false, max_line_size = {_LONGEST_LINE}, columns = {_columns()}))"
            f" TO {_text(parquet)} (FORMAT parquet, COMPRESSION zstd)"
        )


def summary_of(parquet: Path) -> Summary:
    """Return the summary of a file's rows; `LogArchiveRepository` computes that of the database."""
    one = FINGERPRINT.format(at="epoch_us(timestamp)", made="epoch_us(created_at)")
    with _duckdb().connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        [found] = database.execute(
            "SELECT count(*), min(timestamp), max(timestamp),"
            f" coalesce(md5(string_agg({one}, '' ORDER BY timestamp, id)), '')"
            f" FROM read_parquet({_text(parquet)})"
        ).fetchall()
    return Summary(*found)


def rows_of(parquet: Path) -> Iterator[list[Row]]:
    """Yield the rows of a file, some thousand at a time."""
    with _duckdb().connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        found = database.execute(f"SELECT * FROM read_parquet({_text(parquet)})")
        while batch := found.fetchmany(_BATCH):
            yield [_row(values) for values in batch]


def queried(files: Sequence[Path], sql: str) -> tuple[list[str], Iterator[Sequence[Any]]]:
    """Return the columns and the rows of a query on the table `logs` of all files.

    Raises:
        ConfigurationError: DuckDB refuses the query, which can reach no other file.

    """
    duckdb = _duckdb()
    database = duckdb.connect()
    database.execute("SET TimeZone = 'UTC'")
    paths = ", ".join(map(_text, files))
    database.execute(f"SET allowed_paths = [{paths}]")
    database.execute("SET enable_external_access = false")
    database.execute("SET lock_configuration = true")
    database.execute(f"CREATE VIEW logs AS SELECT * FROM read_parquet([{paths}])")
    try:
        found = database.execute(sql)
    except duckdb.Error as refusal:
        line = str(refusal).partition("\n")[0]
        raise ConfigurationError(f"DuckDB refuses the query: {line}") from None
    columns = [each[0] for each in found.description or []]
    return columns, _rows(found)


def _rows(found: Any) -> Iterator[Sequence[Any]]:
    while batch := found.fetchmany(_BATCH):
        yield from batch


def _row(values: Sequence[Any]) -> Row:
    row = dict(zip(COLUMNS, values, strict=True))
    for name in _JSON:
        row[name] = None if row[name] is None else json.loads(row[name])
    return row


def _columns() -> str:
    kinds = {**dict.fromkeys(_INSTANTS, "TIMESTAMPTZ"), "severity": "DOUBLE"}
    named = ", ".join(f"'{name}': '{kinds.get(name, 'VARCHAR')}'" for name in COLUMNS)
    return f"{{{named}}}"


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _duckdb() -> ModuleType:
    try:
        return import_module("duckdb")
    except ImportError as missing:
        raise ConfigurationError(
            "Archives need DuckDB: pip install 'veritas[archive]', or 'make' in a checkout."
        ) from missing
