"""Register of personal data as a section of docs/privacy.md, generated from the models."""

import textwrap
from collections.abc import Iterator, Mapping

from sqlalchemy import MetaData, Table
from sqlalchemy.orm import DeclarativeBase

from dropout_service.models import Base as DropoutBase
from monitoring_service.models import Base as MonitoringBase
from shared_db.personal_data import Declaration, declaration_of, table_titles
from shared_db.retention.tables import aging_tables
from shared_web.auth.keys import AccessBase
from staffstuddash_service.models import Base as StaffstuddashBase
from veritas_cli.personal_data.files import AUDIT_TABLES, SPOOL_TABLES

BEGIN = "<!-- Generated from the models by `make privacy`. -->\n"
END = "<!-- End of the generated part. -->\n"
BASES: tuple[type[DeclarativeBase], ...] = (
    StaffstuddashBase,
    DropoutBase,
    MonitoringBase,
    AccessBase,
)
_WIDTH = 100


def with_register(document: str) -> str:
    """Return the document with the register of the present models between its two marks.

    Raises:
        ValueError: the document has no such marks.

    """
    before, mark, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise ValueError("docs/privacy.md has lost the marks around its generated part")
    return f"{before}{BEGIN}\n{register()}\n{END}{after}"


def register() -> str:
    """Return the register: each table, with the columns by their declaration."""
    return "\n".join(_sections())


def _sections() -> Iterator[str]:
    for base in BASES:
        titles = table_titles(base)
        for table in sorted(base.metadata.tables.values(), key=lambda each: each.name):
            title = titles.get(table, "State of the background work of the service.")
            yield _section(
                str(table.fullname), title, declarations(table), _ageing(base.metadata, table)
            )
    for name, fields in SPOOL_TABLES.items():
        yield _section(f"SERVICE-spool.db, {name}", "Table of the spool file.", fields)
    for name, fields in AUDIT_TABLES.items():
        title = "Table of the file in which reads wait for the database."
        yield _section(f"SERVICE-audit.db, {name}", title, fields)


def declarations(table: Table) -> dict[str, Declaration]:
    """Return the declaration of each column of a table.

    Raises:
        ValueError: a column has none.

    """
    found = {column.name: declaration_of(column) for column in table.columns}
    if missing := sorted(name for name, each in found.items() if each is None):
        raise ValueError(f"{table.fullname} does not declare {', '.join(missing)}")
    return {name: each for name, each in found.items() if each is not None}


def _ageing(metadata: MetaData, table: Table) -> str | None:
    """Return the sentence on the age at which rows of a table are deleted; None if they are not."""
    for one in aging_tables(metadata):
        since = one.ageing.since or f"`{one.ageing.column}`"
        if one.table is table:
            return f"with `{one.ageing.setting}`, so many days after {since}."
        if table in one.parts:
            return f"with its row of `{one.name}` (`{one.ageing.setting}`)."
    return None


def _section(
    name: str, title: str, fields: Mapping[str, Declaration], ageing: str | None = None
) -> str:
    groups = dict[tuple[tuple[str, ...], str, str], list[str]]()
    for field, one in fields.items():
        groups.setdefault((tuple(one.subjects), one.purpose, one.keep), []).append(field)
    lines = [f"### `{name}`", "", textwrap.fill(title, _WIDTH), ""]
    for (subjects, purpose, keep), names in groups.items():
        of = f"of {' and '.join(subjects)}" if subjects else "not personal"
        columns = ", ".join(f"`{field}`" for field in names)
        line = f"* {columns}: **{of}**, {purpose}; kept {keep}."
        wrapped = textwrap.fill(
            line, _WIDTH, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False
        )
        lines.append(wrapped)
    if ageing is not None:
        lines.append(
            textwrap.fill(f"* **Deleted by age** {ageing}", _WIDTH, subsequent_indent="  ")
        )
    return "\n".join([*lines, ""])
