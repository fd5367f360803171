"""Replace the sorted names of students by keys without accents; recompute the searched texts."""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from staffstuddash_service.domain.sort_keys import sort_key

revision = "20261129_sort_keys"
down_revision = "20261129_background_work"

SCHEMA = "staffstuddash"
TABLE = "students"
LENGTH = 100
SORTED = sa.String(LENGTH, collation="C")
NEW_INDEX, OLD_INDEX = "ix_students_sort_key_id", "ix_students_sort_name_id"
KEY_COMMENT = "The beginning of the name's key: without case and accents"
NAME_COMMENT = "The name's beginning with its case folded"
KEYS_COMMENT = "Keys of the name and the e-mail, one a line"
TEXT_COMMENT = "Name and e-mail with their case folded, one a line"
BATCH = 5000

_NEXT = sa.text(
    "SELECT id, name, email FROM staffstuddash.students"
    " WHERE id > :after AND sort_key IS NULL ORDER BY id LIMIT :count"
)
_FILL = sa.text(
    "UPDATE staffstuddash.students SET sort_key = new.sort_key, search_text = new.search_text"
    " FROM unnest(CAST(:ids AS varchar[]), CAST(:keys AS varchar[]), CAST(:texts AS text[]))"
    " AS new (id, sort_key, search_text) WHERE students.id = new.id"
)
# For printed SQL, which cannot call Python: the same keys for names in Latin letters.
_UNMARKED = r"lower(regexp_replace(normalize({}, NFKD), '[\u0300-\u036f]', '', 'g'))"
_PLAIN = f"translate({_UNMARKED}, 'ıłøđðħŧŋə', 'iloddhtne')"
_STRAIGHT = f"translate({_PLAIN}, U&'\\2018\\2019\\02BB\\02BC', repeat(chr(39), 4))"
_LETTERS = f"replace(replace(replace({_STRAIGHT}, 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe')"
_KEY = rf"normalize(btrim(regexp_replace({_LETTERS}, '\s+', ' ', 'g')), NFC)"


def upgrade() -> None:
    # Each step can be repeated: a run that ends in the middle leaves the earlier ones.
    op.add_column(
        TABLE,
        sa.Column("sort_key", SORTED, comment=KEY_COMMENT),
        schema=SCHEMA,
        if_not_exists=True,
    )
    with op.get_context().autocommit_block():
        if op.get_context().as_sql:
            op.execute(_fill_by_sql())
        else:
            _fill(op.get_bind())
        # An interrupted run leaves an invalid index behind.
        _drop_index(NEW_INDEX)
        op.create_index(
            NEW_INDEX, TABLE, ["sort_key", "id"], schema=SCHEMA, postgresql_concurrently=True
        )
        _drop_index(OLD_INDEX)
    op.alter_column(TABLE, "sort_key", nullable=False, schema=SCHEMA)
    op.alter_column(TABLE, "search_text", comment=KEYS_COMMENT, schema=SCHEMA)
    op.drop_column(TABLE, "sort_name", schema=SCHEMA)


def _fill(connection: sa.Connection) -> None:
    """Compute the keys, each batch in its own transaction, so that no row is locked for long."""
    for students in _batches(connection):
        keys = [sort_key(student.name) for student in students]
        emails = [sort_key(student.email or "") for student in students]
        columns = {
            "ids": [student.id for student in students],
            "keys": [key[:LENGTH] for key in keys],
            "texts": [f"{key}\n{email}" for key, email in zip(keys, emails, strict=True)],
        }
        connection.execute(_FILL, columns)


def _batches(connection: sa.Connection) -> Iterator[Sequence[Any]]:
    after = ""
    while students := connection.execute(_NEXT, {"after": after, "count": BATCH}).all():
        yield students
        after = students[-1].id


def _fill_by_sql() -> str:
    name, email = _KEY.format("name"), _KEY.format("coalesce(email, '')")
    values = f"sort_key = left({name}, {LENGTH}), search_text = {name} || chr(10) || {email}"
    return f"UPDATE staffstuddash.students SET {values} WHERE sort_key IS NULL"  # noqa: S608 - ours


def _drop_index(name: str) -> None:
    op.drop_index(name, TABLE, schema=SCHEMA, postgresql_concurrently=True, if_exists=True)


def downgrade() -> None:
    op.add_column(
        TABLE,
        sa.Column("sort_name", SORTED, comment=NAME_COMMENT),
        schema=SCHEMA,
    )
    op.execute(
        "UPDATE staffstuddash.students SET sort_name = left(lower(name), 100),"
        " search_text = lower(name) || chr(10) || lower(coalesce(email, ''))"
    )
    op.alter_column(TABLE, "sort_name", nullable=False, schema=SCHEMA)
    op.alter_column(TABLE, "search_text", comment=TEXT_COMMENT, schema=SCHEMA)
    op.create_index(OLD_INDEX, TABLE, ["sort_name", "id"], schema=SCHEMA)
    op.drop_index(NEW_INDEX, TABLE, schema=SCHEMA)
    op.drop_column(TABLE, "sort_key", schema=SCHEMA)
