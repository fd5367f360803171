"""Add the roster: organisations, terms, courses, classes, people, and relations to students."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261129_roster"
down_revision = "20261129_unknown_jumps"

SCHEMA = "staffstuddash"
KEY = sa.String(200, collation="C")
INSTANT = sa.DateTime(timezone=True)
# In the order in which they can be created; indexes by table.
TABLES = (
    "organisations",
    "terms",
    "courses",
    "classes",
    "people",
    "enrolments",
    "teaching_assignments",
    "advising_assignments",
    "guardians",
    "student_identifiers",
    "student_demographics",
)
INDEXES = {
    "classes": (["course_id"],),
    "enrolments": (["class_id", "student_id"], ["student_id", "class_id"]),
    "teaching_assignments": (["class_id", "person_id"], ["person_id", "class_id"]),
    "advising_assignments": (["person_id", "student_id"], ["student_id", "person_id"]),
    "guardians": (["student_id"],),
    "student_identifiers": (["student_id"],),
}


def upgrade() -> None:
    _create("organisations", *_organisation(), *_kept())
    _create("terms", *_term(), *_kept())
    _create("courses", *_course(), *_kept())
    _create("classes", *_class(), *_kept())
    _create("people", *_person(), *_kept())
    _create(
        "enrolments",
        *_reference("enrolments", "student_id", "students"),
        *_reference("enrolments", "class_id", "classes"),
        *_period("enrolments"),
    )
    _create(
        "teaching_assignments",
        *_reference("teaching_assignments", "person_id", "people"),
        *_reference("teaching_assignments", "class_id", "classes"),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        *_period("teaching_assignments"),
    )
    _create(
        "advising_assignments",
        *_reference("advising_assignments", "person_id", "people"),
        *_reference("advising_assignments", "student_id", "students"),
        *_period("advising_assignments"),
    )
    _create("guardians", *_guardian(), *_sourced())
    _create("student_identifiers", *_identifier(), *_sourced(), id_comment=_IDENTIFIER_KEY)
    _create_demographics()
    for table, indexes in INDEXES.items():
        for columns in indexes:
            op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, columns, schema=SCHEMA)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table, schema=SCHEMA)


_IDENTIFIER_KEY = "Digest of system, kind and value"


def _create(table: str, *columns: sa.schema.SchemaItem, id_comment: str | None = None) -> None:
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False, comment=id_comment),
        *columns,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        schema=SCHEMA,
    )


def _sourced() -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("source", sa.String(50), nullable=False, comment="manual, oneroster, csv ..."),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("digest", sa.LargeBinary(16), nullable=False),
    )


def _kept() -> tuple[sa.schema.SchemaItem, ...]:
    ended = sa.Column("ended_at", INSTANT, comment="When it was ended, if it was")
    return (ended, *_sourced())


def _period(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("valid_from", sa.Date(), comment="Its first day"),
        sa.Column("valid_to", sa.Date(), comment="The first day on which it is over"),
        _check(table, "days_in_order", "valid_to >= valid_from"),
        *_kept(),
    )


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _reference(
    table: str, column: str, target: str, *, is_optional: bool = False
) -> tuple[sa.schema.SchemaItem, ...]:
    return (sa.Column(column, KEY, nullable=is_optional), _key_of(table, column, target))


def _key_of(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    is_own = table == target
    return sa.ForeignKeyConstraint(
        [column],
        [f"{SCHEMA}.{target}.id"],
        name=op.f(f"fk_{table}_{column}"),
        deferrable=True if is_own else None,
        initially="DEFERRED" if is_own else None,
    )


def _texts(*names: str, length: int = 200) -> tuple[sa.schema.SchemaItem, ...]:
    return tuple(sa.Column(name, sa.String(length)) for name in names)


def _lists(*names: str) -> tuple[sa.schema.SchemaItem, ...]:
    return tuple(sa.Column(name, JSONB(), nullable=False) for name in names)


def _organisation() -> tuple[sa.schema.SchemaItem, ...]:
    table = "organisations"
    return (
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("identifier", sa.String(200), comment="Of the authorities"),
        *_reference(table, "parent_id", table, is_optional=True),
        _check(table, "other_parent", "parent_id <> id"),
        _check(
            table,
            "organisationtype_known",
            "type IN ('school', 'department', 'district', 'other')",
        ),
    )


def _term() -> tuple[sa.schema.SchemaItem, ...]:
    table = "terms"
    return (
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False, comment="Its last day"),
        *_reference(table, "parent_id", table, is_optional=True),
        sa.Column("school_year", sa.Integer(), comment="The year in which it ends"),
        _check(table, "other_parent", "parent_id <> id"),
        _check(table, "days_in_order", "ends_on >= starts_on"),
        _check(
            table,
            "termtype_known",
            "type IN ('school_year', 'semester', 'term', 'grading_period')",
        ),
    )


def _course() -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("title", sa.String(200), nullable=False),
        *_texts("code"),
        *_reference("courses", "organisation_id", "organisations", is_optional=True),
        *_lists("subjects", "grades"),
    )


def _class() -> tuple[sa.schema.SchemaItem, ...]:
    table = "classes"
    return (
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        *_texts("code"),
        *_reference(table, "course_id", "courses", is_optional=True),
        *_reference(table, "organisation_id", "organisations", is_optional=True),
        *_lists("term_ids", "subjects", "grades"),
        *_texts("location"),
        _check(table, "classtype_known", "type IN ('scheduled', 'homeroom')"),
    )


def _person() -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        *_texts("email", length=320),
        *_texts("username"),
        *_lists("organisation_ids"),
        _check(
            "people",
            "staffrole_known",
            "role IN ('teacher', 'advisor', 'principal', 'administrator', 'aide')",
        ),
    )


def _guardian() -> tuple[sa.schema.SchemaItem, ...]:
    return (
        *_reference("guardians", "student_id", "students"),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("relation", sa.String(200), comment="mother, uncle ..."),
        *_texts("email", length=320),
        *_texts("phone"),
    )


def _identifier() -> tuple[sa.schema.SchemaItem, ...]:
    table = "student_identifiers"
    return (
        *_reference(table, "student_id", "students"),
        sa.Column("system", sa.String(200), nullable=False, comment="The school's name of it"),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("value", sa.String(320), nullable=False),
        sa.UniqueConstraint("system", "kind", "value", name=op.f(f"uq_{table}_system_kind_value")),
        _check(table, "identifierkind_known", "kind IN ('id', 'account', 'mailbox')"),
    )


def _create_demographics() -> None:
    table = "student_demographics"
    op.create_table(
        table,
        *_reference(table, "student_id", "students"),
        sa.Column("birth_date", sa.Date()),
        *_texts("sex"),
        sa.Column("attributes", JSONB(), nullable=False),
        *_sourced(),
        sa.PrimaryKeyConstraint("student_id", name=op.f(f"pk_{table}")),
        schema=SCHEMA,
    )
