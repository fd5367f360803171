"""Views that this service reads: of the dropout service, and the students of a person.

They have metadata of their own, so that no comparison takes them for tables. The in-memory store
does not have them.
"""

from sqlalchemy import Boolean, Column, Date, Float, Integer, MetaData, String, Table

from shared_db.columns import Key, UtcDateTime

published_risk = Table(
    "published_risk",
    MetaData(schema="dropout"),
    Column("student_id", Key, primary_key=True),
    Column("risk_score", Float),
    Column("risk_level", String),
    Column("dropout_type", String),
    Column("as_of", UtcDateTime),
    Column("course", Key),
    Column("prediction_id", Key),
    Column("version", String),
    Column("course_rank", Integer),
    Column("course_ranked", Integer),
)

# The latest prediction of a student in each course or class.
published_course_risks = Table(
    "published_course_risks",
    MetaData(schema="dropout"),
    Column("student_id", Key, primary_key=True),
    Column("course", Key, primary_key=True),
    Column("is_class", Boolean),
    Column("prediction_id", Key),
    Column("version", String),
    Column("risk_score", Float),
    Column("risk_level", String),
    Column("dropout_type", String),
    Column("as_of", UtcDateTime),
    Column("course_rank", Integer),
    Column("course_ranked", Integer),
)

# Each place in a course with the instant of its prediction; `first_reason` is its largest sign.
published_places = Table(
    "published_places",
    MetaData(schema="dropout"),
    Column("student_id", Key, primary_key=True),
    Column("course", Key, primary_key=True),
    Column("as_of", UtcDateTime, primary_key=True),
    Column("course_rank", Integer),
    Column("course_ranked", Integer),
    Column("first_reason", String),
)

# Drawn orders of lists: the place and the drawn position of each student; `week` is its Monday.
published_draws = Table(
    "published_draws",
    MetaData(schema="dropout"),
    Column("course", Key, primary_key=True),
    Column("week", Date, primary_key=True),
    Column("student_id", Key, primary_key=True),
    Column("place", Integer),
    Column("position", Integer),
    Column("band_first", Integer),
    Column("band_last", Integer),
    Column("as_of", UtcDateTime),
)

# Reads by break-glass in dropout, those of `reads` of this service being here.
published_opened_reads = Table(
    "published_opened_reads",
    MetaData(schema="dropout"),
    Column("student_id", Key),
    Column("read_at", UtcDateTime),
    Column("opening_id", Key),
)

# Students of the person in the setting `veritas.person`; an id may be there several times.
published_memberships = Table(
    "published_memberships", MetaData(schema="staffstuddash"), Column("student_id", Key)
)
