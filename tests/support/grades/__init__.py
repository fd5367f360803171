"""A small migration history for tests: two revisions of one table."""

from sqlalchemy import MetaData

from shared_db.provisioning.migrations import History

HISTORY = History("tests.support.grades", "grades")
METADATA = MetaData(schema="grades")
