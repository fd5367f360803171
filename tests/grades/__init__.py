"""A small history of its own, for the tests of migrating: two revisions of one table."""

from sqlalchemy import MetaData

from shared_db.migrations import History

HISTORY = History("tests.grades", "grades")
METADATA = MetaData(schema="grades")
