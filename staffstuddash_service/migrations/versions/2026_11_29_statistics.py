"""Let the service refresh the statistics of its tables, which only their owner may do."""

from alembic import op

revision = "20261129_statistics"
down_revision = "20261129_seen"

# With the owner's rights it does nothing but this, and only to tables of this schema. ANALYZE
# leaves the statistics of an empty table as they are; PostgreSQL 18 has a function to clear them.
FUNCTION = """
CREATE FUNCTION staffstuddash.refresh_statistics(table_name name) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    has_rows boolean;
BEGIN
    EXECUTE format('ANALYZE staffstuddash.%I', table_name);
    EXECUTE format('SELECT EXISTS (SELECT FROM staffstuddash.%I)', table_name) INTO has_rows;
    IF NOT has_rows AND CAST(current_setting('server_version_num') AS int) >= 180000 THEN
        EXECUTE 'SELECT count('
            'pg_clear_attribute_stats(schemaname, tablename, attname, inherited))'
            ' FROM pg_stats WHERE schemaname = ''staffstuddash'''
            ' AND tablename = $1' USING table_name;
    END IF;
END $$
"""


def upgrade() -> None:
    op.execute(FUNCTION)
    op.execute("REVOKE ALL ON FUNCTION staffstuddash.refresh_statistics(name) FROM PUBLIC")


def downgrade() -> None:
    op.execute("DROP FUNCTION staffstuddash.refresh_statistics(name)")
