"""Check of the chains of reads: a changed, missing or moved row is found by its digest."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, text

from shared_db.audit.rows import chain_day, digest_of, first_digest, token_of
from shared_db.columns import Row

_STREAMED = {"yield_per": 1000}


@dataclass
class ChainReport:
    """Chain as it was found. A record of the last digest elsewhere shows a cut end.

    rows: those that are there. last: number of the last one. digest: of the last one.
    """

    chain: str
    rows: int = 0
    last: int = 0
    digest: str = ""


@dataclass
class AuditReport:
    """Outcome of a check; faults: a sentence each, with the chain and the number of the row."""

    chains: list[ChainReport] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Number of rows in all chains."""
        return sum(chain.rows for chain in self.chains)


def verify_reads(connection: Connection, schema: str, day: date | None = None) -> AuditReport:
    """Return the outcome of a check of all chains of a schema, or of those of one day.

    schema: of a service with reads; PostgreSQL only. Rows that wait in a file are not checked.
    """
    report = AuditReport()
    prefix = {"prefix": f"{day}." if day else ""}
    rows = connection.execute(
        text(
            f"SELECT * FROM {schema}.reads WHERE starts_with(chain, :prefix)"  # noqa: S608 - ours
            " ORDER BY chain, number"
        ),
        prefix,
        execution_options=_STREAMED,
    )
    for row in rows.mappings():
        _check(report, dict(row))
    report.faults += _faults_of_subjects(connection, schema, prefix)
    return report


def _check(report: AuditReport, row: Row) -> None:
    if not report.chains or report.chains[-1].chain != row["chain"]:
        report.chains.append(ChainReport(row["chain"], digest=first_digest(row["chain"])))
    chain = report.chains[-1]
    expected = chain.last + 1
    place = f"chain {row['chain']}, row {row['number']}"
    if row["number"] != expected:
        missing = f"{expected} to {row['number'] - 1}" if row["number"] > expected + 1 else expected
        report.faults.append(f"{place}: missing before it: {missing}.")
    elif row["previous"] != chain.digest:
        report.faults.append(f"{place}: it does not follow the row before it.")
    if digest_of(row) != row["digest"]:
        report.faults.append(f"{place}: it was changed.")
    elif str(row["read_at"].date()) != chain_day(row["chain"]):
        report.faults.append(f"{place}: it is of another day than its chain.")
    chain.rows += 1
    chain.last, chain.digest = row["number"], row["digest"]


def _faults_of_subjects(
    connection: Connection, schema: str, prefix: dict[str, str]
) -> Iterator[str]:
    query = f"""
        SELECT subject.*, reads.tokens, subject.student_id = subject.read_as OR EXISTS (
            SELECT FROM {schema}.aliases AS alias
            WHERE alias.old_id = subject.read_as AND alias.new_id = subject.student_id) AS is_theirs
        FROM {schema}.read_subjects AS subject
        LEFT JOIN {schema}.reads ON reads.chain = subject.chain AND reads.number = subject.number
        WHERE starts_with(subject.chain, :prefix) ORDER BY subject.chain, subject.number
    """  # noqa: S608 - ours
    rows = connection.execute(text(query), prefix, execution_options=_STREAMED)
    for row in rows.mappings():
        for is_fault, sentence in _SUBJECT_FAULTS.items():
            if is_fault(row):
                yield f"chain {row['chain']}, row {row['number']}: {sentence}"
                break


def _has_other_token(row: Any) -> bool:
    return token_of(row["read_as"], row["salt"]) != str(row["token"])


_SUBJECT_FAULTS: dict[Callable[[Any], bool], str] = {
    lambda row: row["tokens"] is None: "it is missing, but one of its students is stored.",
    lambda row: row["tokens"] is not None and row["token"] not in row["tokens"]: (
        "a student is stored who is not among those read."
    ),
    _has_other_token: "a student was exchanged.",
    lambda row: not row["is_theirs"]: "a student was moved to another id without a merge.",
}
