"""View of the dropout service that this service reads directly.

It has metadata of its own, so that no migration of this service creates it. The in-memory store
does not have it.
"""

from sqlalchemy import Column, Float, MetaData, String, Table

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
)
