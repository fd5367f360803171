"""Let the service refresh the statistics of its tables, which only their owner may do."""

from alembic import op

revision = "20261129_statistics"
down_revision = "20261129_aliases"


def upgrade() -> None:
    # With the owner's rights it does nothing but this, and only to tables of this schema.
    op.execute(
        "CREATE FUNCTION staffstuddash.refresh_statistics(table_name name) RETURNS void"
        " LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS"
        " $$ BEGIN EXECUTE format('ANALYZE staffstuddash.%I', table_name); END $$"
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION staffstuddash.refresh_statistics(name)")
