"""Reads of an inserted draft: a small revision does not read all earlier drafts."""

from sqlalchemy import text

from shared_db.connection.database import Database
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.datastore.drafts import DraftToStore

STORED, NEW = 200, 20
READ = text(
    "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables"
    " WHERE schemaname = 'staffstuddash' AND relname = 'drafts'"
)


def test_small_revisions_do_not_read_all_earlier_drafts(postgres: Database) -> None:
    datastore = DatastoreManager(postgres)
    datastore.add_student("busy", "Busy", "busy@school.example")
    drafts = [DraftToStore("busy", "essay", f"{n} words " * 5) for n in range(STORED + NEW)]
    datastore.drafts.add_many(drafts[:STORED])
    with postgres.unit_of_work() as session:
        session.execute(text("ANALYZE staffstuddash.drafts"))
        before = session.scalars(READ).one()

    datastore.drafts.add_many(drafts[STORED:])

    with postgres.reading() as session:
        read = session.scalars(READ).one() - before
    # All drafts once for the record, and a few for each new draft.
    assert read < STORED + NEW + 20 * NEW
    assert datastore.drafts.search_by_student("busy", limit=1).items[0].sudden_jump_flag is False
