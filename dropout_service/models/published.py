"""Views of staffstuddash that this service reads directly.

They have metadata of their own, so that no migration of this service creates them. The in-memory
store does not have them.
"""

from sqlalchemy import Column, Date, MetaData, String, Table

from dropout_service.models.students import PSEUDONYM
from shared_db.columns import Json, Key, UtcDateTime

_VIEWS = MetaData(schema="staffstuddash")

published_deletions = Table(
    "published_deletions",
    _VIEWS,
    Column("pseudonym", PSEUDONYM, primary_key=True),
    Column("deleted_at", UtcDateTime),
)

published_aliases = Table(
    "published_aliases",
    _VIEWS,
    Column("old_id", Key, primary_key=True),
    Column("new_id", Key),
    Column("merged_at", UtcDateTime),
)

# Students under a legal hold, by their present and former ids.
published_holds = Table("published_holds", _VIEWS, Column("student_id", Key, primary_key=True))

# Students who are not to be assessed, also under their former ids.
published_restrictions = Table(
    "published_restrictions",
    _VIEWS,
    Column("student_id", Key),
    Column("restricted_at", UtcDateTime),
)

# Students of the person in the setting `veritas.person`; an id may be there several times.
published_memberships = Table("published_memberships", _VIEWS, Column("student_id", Key))

# Students whom that person has opened by break-glass at present, each with the id of the opening.
published_openings = Table(
    "published_openings",
    _VIEWS,
    Column("id", Key, primary_key=True),
    Column("student_id", Key),
)

# Classes of the roster; the dates are the first and the last day of their terms. `term_id` is the
# last one of these.
published_classes = Table(
    "published_classes",
    _VIEWS,
    Column("class_id", Key, primary_key=True),
    Column("course_id", Key),
    Column("starts_on", Date),
    Column("ends_on", Date),
    Column("ended_at", UtcDateTime),
    Column("subjects", Json),
    Column("term_id", Key),
)

# Students in classes; `valid_to` is the first day on which the enrolment is over.
published_enrolments = Table(
    "published_enrolments",
    _VIEWS,
    Column("student_id", Key),
    Column("class_id", Key),
    Column("valid_from", Date),
    Column("valid_to", Date),
)

# Ids, accounts and mailboxes of students in other systems.
published_identifiers = Table(
    "published_identifiers",
    _VIEWS,
    Column("student_id", Key),
    Column("system", String(200)),
    Column("kind", String(50)),
    Column("value", String(320)),
)
