"""Add the access of members of staff, and the look-up of a person by login for all services."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_person_access"
down_revision = "20261129_aliases"

SCHEMA = "staffstuddash"
TABLE = "person_access"
KEY = sa.String(200, collation="C")
INDEXES: dict[str, tuple[str, list[sa.TextClause | str]]] = {
    "ix_people_lower_email": ("people", [sa.text("lower(email)")]),
    "ix_people_username": ("people", ["username"]),
    "ix_students_lower_email": ("students", [sa.text("lower(email)")]),
    "ix_student_identifiers_lower_value": ("student_identifiers", [sa.text("lower(value)")]),
}

# The caller needs no right on the tables. `namesakes`: Veritas knows a person by the id alone, so a
# member of staff and a student of the same id are two persons of one login.
FIND_PERSON = """
CREATE FUNCTION staffstuddash.find_person(login text)
RETURNS TABLE (person_id text, kind text, staff_role text, role text, is_revoked boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
WITH found AS (
    SELECT id, 'staff' AS kind FROM staffstuddash.people
    WHERE lower(email) = lower(login) AND ended_at IS NULL
    UNION SELECT id, 'staff' FROM staffstuddash.people WHERE username = login AND ended_at IS NULL
    UNION SELECT id, 'staff' FROM staffstuddash.people WHERE id = login AND ended_at IS NULL
    UNION SELECT id, 'student' FROM staffstuddash.students WHERE lower(email) = lower(login)
    UNION SELECT id, 'student' FROM staffstuddash.students WHERE id = login
    UNION SELECT identifier.student_id, 'student' FROM staffstuddash.student_identifiers identifier
    WHERE lower(identifier.value) = lower(login) AND (identifier.kind = 'mailbox'
        OR identifier.kind = 'account' AND identifier.value = login)
), namesakes AS (
    SELECT found.id, found.kind FROM found
    UNION SELECT id, 'student' FROM staffstuddash.students WHERE id IN (SELECT id FROM found)
    UNION SELECT id, 'staff' FROM staffstuddash.people
    WHERE ended_at IS NULL AND id IN (SELECT id FROM found)
)
SELECT CAST(one.id AS text), one.kind, CAST(staff.role AS text), CAST(access.role AS text),
    coalesce(access.is_revoked, false)
FROM namesakes one
LEFT JOIN staffstuddash.people staff ON one.kind = 'staff' AND staff.id = one.id
LEFT JOIN staffstuddash.person_access access ON access.person_id = staff.id
LIMIT 10
$$
"""


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("person_id", KEY, nullable=False),
        sa.Column(
            "role",
            sa.String(100),
            comment="Of the access to Veritas; null: that of the roster's role",
        ),
        sa.Column("is_revoked", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", KEY, nullable=False, comment="The name of the caller"),
        sa.ForeignKeyConstraint(
            ["person_id"], [f"{SCHEMA}.people.id"], name=op.f(f"fk_{TABLE}_person_id")
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f(f"pk_{TABLE}")),
        schema=SCHEMA,
    )
    for name, (table, columns) in INDEXES.items():
        op.create_index(name, table, columns, schema=SCHEMA)
    op.execute(FIND_PERSON)
    op.execute("REVOKE ALL ON FUNCTION staffstuddash.find_person(text) FROM PUBLIC")


def downgrade() -> None:
    op.execute("DROP FUNCTION staffstuddash.find_person(text)")
    for name, (table, _) in INDEXES.items():
        op.drop_index(name, table, schema=SCHEMA)
    op.drop_table(TABLE, schema=SCHEMA)
