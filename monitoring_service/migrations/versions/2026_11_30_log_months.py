"""Partition the events by month, and keep their ids in a table of keys.

The stored events become one part of the new table: none is moved. Their keys, the instants of their
results and the narrow indexes are made before, outside of the locks and a bounded number at a time;
an interrupted run can be repeated.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "20261130_log_months"
down_revision = "20261130_counts_by_month"

SCHEMA = "monitoring"
LOGS, RESULTS = "monitoring_logs", "monitoring_results"
BATCH = 10_000
NORMAL_LEFT_OUT = " WHERE status <> 'NORMAL'"
# By the end of the name: columns and condition. The earlier ones had the id as their last column.
INDEXES = {
    "timestamp": ("timestamp", ""),
    "source_timestamp": ("source, timestamp", ""),
    "component_timestamp": ("component, timestamp", ""),
    "event_type_timestamp": ("event_type, timestamp", ""),
    "trouble_source_timestamp": ("source, timestamp", NORMAL_LEFT_OUT),
    "trouble_timestamp": ("timestamp", NORMAL_LEFT_OUT),
}
SEPARATORS = (
    r"[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf"
    r"\u00d7\u00f7\u2000-\u206f\u20a0-\u20cf\u2100-\u2bff\u3000-\u303f\ufe00-\ufe0f"
    r"\U0001f000-\U0001faff]+"
)
WORDS = f"to_tsvector('simple', regexp_replace(message, '{SEPARATORS}', ' ', 'g'))"

PAGE = sa.text(
    "SELECT id, timestamp, digest FROM monitoring.monitoring_logs"
    " WHERE id > :after ORDER BY id LIMIT :count"
)
WITHOUT_KEY = sa.text(
    "SELECT id, timestamp, digest FROM monitoring.monitoring_logs WHERE created_at >= :since"
)
ADD_KEYS = sa.text(
    "INSERT INTO monitoring.event_keys (id, timestamp, digest)"
    " SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:instants AS timestamptz[]),"
    " CAST(:digests AS bytea[])) ON CONFLICT DO NOTHING"
)
RETURN_DIGESTS = sa.text(
    "UPDATE monitoring.monitoring_logs AS log SET digest = known.digest"
    " FROM unnest(CAST(:ids AS varchar[]), CAST(:keys AS uuid[])) AS named (id, key)"
    " JOIN monitoring.event_keys AS known ON known.id = named.key WHERE log.id = named.id"
)
NOW = sa.text("SELECT now() - interval '1 hour'")
FILL_RESULTS = """
UPDATE monitoring.monitoring_results AS result SET timestamp = log.timestamp
FROM monitoring.monitoring_logs AS log
WHERE log.id = result.event_id AND result.timestamp IS NULL
"""
# In a migration printed as SQL: the keys are hashes that PostgreSQL does not have.
REQUIRE_EMPTY = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM monitoring.monitoring_logs) THEN
        RAISE EXCEPTION 'there are stored events: run `veritas migrate`, which makes their keys';
    END IF;
END $$
"""
MONTHS = r"""
CREATE VIEW monitoring.log_months AS
SELECT parent.relname AS parent, child.relname AS child,
    CAST((regexp_match(bound, 'FROM \(''([^'']+)'))[1] AS timestamptz) AS begins,
    CAST((regexp_match(bound, 'TO \(''([^'']+)'))[1] AS timestamptz) AS ends
FROM pg_inherits AS part
JOIN pg_class AS parent ON parent.oid = part.inhparent
JOIN pg_class AS child ON child.oid = part.inhrelid
JOIN pg_namespace AS schema ON schema.oid = parent.relnamespace
CROSS JOIN LATERAL pg_get_expr(child.relpartbound, child.oid) AS bound
WHERE schema.nspname = 'monitoring' AND parent.relkind = 'p' AND bound <> 'DEFAULT'
"""
# With the owner's rights, because a service may not change tables. A month within the part of the
# events from before, or made already, is left as it is.
ADD_MONTH = """
CREATE FUNCTION monitoring.add_log_month(month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC' SET "DateStyle" = 'ISO' SET lock_timeout = '2s' AS $$
DECLARE
    first_at timestamptz := date_trunc('month', CAST(month AS timestamp));
    end_at timestamptz := date_trunc('month', CAST(month AS timestamp)) + interval '1 month';
    whole text;
    part text;
    is_added boolean := false;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('months of monitoring'));
    FOREACH whole IN ARRAY ARRAY['monitoring_logs', 'monitoring_results'] LOOP
        IF EXISTS (
            SELECT FROM monitoring.log_months AS known WHERE known.parent = whole
                AND known.ends > first_at AND (known.begins IS NULL OR known.begins < end_at)
        ) THEN
            CONTINUE;
        END IF;
        part := whole || to_char(first_at, '_YYYY_MM');
        EXECUTE format(
            'CREATE TABLE monitoring.%I (LIKE monitoring.%I INCLUDING ALL)', part, whole
        );
        EXECUTE format(
            'LOCK TABLE monitoring.%I IN ACCESS EXCLUSIVE MODE', whole || '_default'
        );
        EXECUTE format(
            'WITH moved AS (DELETE FROM monitoring.%I WHERE timestamp >= $1 AND timestamp < $2'
            ' RETURNING *) INSERT INTO monitoring.%I SELECT * FROM moved',
            whole || '_default', part
        ) USING first_at, end_at;
        EXECUTE format(
            'ALTER TABLE monitoring.%I ATTACH PARTITION monitoring.%I'
            ' FOR VALUES FROM (%L) TO (%L)', whole, part, first_at, end_at
        );
        is_added := true;
    END LOOP;
    RETURN is_added;
END $$
"""
DROP_MONTHS = """
CREATE FUNCTION monitoring.drop_log_months(until date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET "TimeZone" = 'UTC' SET "DateStyle" = 'ISO' SET lock_timeout = '2s' AS $$
DECLARE
    whole text;
    part text;
    last_at timestamptz;
    dropped integer := 0;
BEGIN
    IF until > current_date THEN
        RAISE EXCEPTION 'only months that are over can be dropped';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('months of monitoring'));
    SELECT max(ends) INTO last_at FROM monitoring.log_months WHERE ends <= until;
    FOR part IN SELECT child FROM monitoring.log_months WHERE ends <= last_at LOOP
        EXECUTE format('DROP TABLE monitoring.%I', part);
        dropped := dropped + 1;
    END LOOP;
    FOREACH whole IN ARRAY ARRAY['monitoring_logs', 'monitoring_results'] LOOP
        EXECUTE format('DELETE FROM monitoring.%I WHERE timestamp < $1', whole || '_default')
            USING last_at;
    END LOOP;
    RETURN dropped;
END $$
"""
ATTACH = """
DO $$
DECLARE
    end_at timestamptz;
BEGIN
    SELECT (date_trunc('month', greatest(now(), max(timestamp)) AT TIME ZONE 'UTC')
        + interval '1 month') AT TIME ZONE 'UTC' INTO end_at
    FROM monitoring.monitoring_logs_older HAVING count(*) > 0;
    IF end_at IS NULL THEN
        DROP TABLE monitoring.monitoring_logs_older, monitoring.monitoring_results_older;
        RETURN;
    END IF;
    EXECUTE format('ALTER TABLE monitoring.monitoring_logs ATTACH PARTITION'
        ' monitoring.monitoring_logs_older FOR VALUES FROM (MINVALUE) TO (%L)', end_at);
    EXECUTE format('ALTER TABLE monitoring.monitoring_results ATTACH PARTITION'
        ' monitoring.monitoring_results_older FOR VALUES FROM (MINVALUE) TO (%L)', end_at);
END $$
"""
# The slot was a byte of the digest, and is the last one of the id.
COUNT_AGAIN = """
INSERT INTO monitoring.log_counts (source, month, status, slot, count)
SELECT source, CAST(date_trunc('month', timestamp AT TIME ZONE 'UTC') AS date), status,
    {byte} % 4, count(*)
FROM monitoring.monitoring_logs GROUP BY 1, 2, 3, 4
"""
LAST_OF_ID = "get_byte(convert_to(id, 'UTF8'), octet_length(convert_to(id, 'UTF8')) - 1)"
AHEAD = """
SELECT monitoring.add_log_month(
    CAST(now() AT TIME ZONE 'UTC' + make_interval(months => later) AS date)
)
FROM generate_series(0, 2) AS later
"""


def upgrade() -> None:
    _make_keys()
    op.execute(
        "ALTER TABLE monitoring.monitoring_results ADD COLUMN IF NOT EXISTS timestamp timestamptz"
    )
    since = None if op.get_context().as_sql else op.get_bind().scalar(NOW)
    with op.get_context().autocommit_block():
        if since is None:
            op.execute(REQUIRE_EMPTY)
        else:
            _fill_keys(op.get_bind())
        op.execute(FILL_RESULTS)
        for name, (columns, where) in INDEXES.items():
            _index_concurrently(f"ix_{LOGS}_older_{name}", f"({columns}){where}")
    # From here on the table is locked, and no service adds events.
    op.execute(f"LOCK TABLE monitoring.{LOGS}, monitoring.{RESULTS} IN ACCESS EXCLUSIVE MODE")
    if since is not None:
        _add_keys(op.get_bind(), op.get_bind().execute(WITHOUT_KEY, {"since": since}).all())
    op.execute(FILL_RESULTS)
    _count_again(LAST_OF_ID)
    _make_older()
    _make_parents()
    for statement in (MONTHS, ADD_MONTH, DROP_MONTHS, ATTACH):
        op.execute(statement)
    for function in ("add_log_month", "drop_log_months"):
        op.execute(f"REVOKE ALL ON FUNCTION monitoring.{function}(date) FROM PUBLIC")
    op.execute(AHEAD)


def downgrade() -> None:
    """Make plain tables again, with the digests of the keys."""
    for name in (LOGS, RESULTS):
        op.execute(f"ALTER TABLE monitoring.{name} RENAME TO {name}_parted")
        op.execute(
            f"CREATE TABLE monitoring.{name} (LIKE monitoring.{name}_parted"
            " INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMMENTS)"
        )
    op.add_column(LOGS, sa.Column("digest", sa.LargeBinary(16)), schema=SCHEMA)
    op.execute(f"INSERT INTO monitoring.{LOGS} SELECT * FROM monitoring.{LOGS}_parted")  # noqa: S608 - our own names
    op.execute(f"INSERT INTO monitoring.{RESULTS} SELECT * FROM monitoring.{RESULTS}_parted")  # noqa: S608
    op.execute(f"ALTER TABLE monitoring.{LOGS} ADD CONSTRAINT pk_{LOGS} PRIMARY KEY (id)")
    if not op.get_context().as_sql:
        _return_digests(op.get_bind())
    _count_again("get_byte(digest, 0)")
    for function in ("add_log_month", "drop_log_months"):
        op.execute(f"DROP FUNCTION monitoring.{function}(date)")
    op.execute("DROP VIEW monitoring.log_months")
    op.execute(
        f"DROP TABLE monitoring.{LOGS}_parted, monitoring.{RESULTS}_parted, monitoring.event_keys"
    )
    op.drop_column(RESULTS, "timestamp", schema=SCHEMA)
    op.alter_column(LOGS, "digest", nullable=False, schema=SCHEMA)
    op.execute(
        f"ALTER TABLE monitoring.{RESULTS} ADD CONSTRAINT pk_{RESULTS} PRIMARY KEY (event_id)"
    )
    op.execute(
        f"ALTER TABLE monitoring.{RESULTS} ADD CONSTRAINT fk_{RESULTS}_event_id FOREIGN KEY"
        f" (event_id) REFERENCES monitoring.{LOGS} (id) ON DELETE CASCADE"
    )
    for name, (columns, where) in INDEXES.items():
        op.execute(f"CREATE INDEX ix_{LOGS}_{name}_id ON monitoring.{LOGS} ({columns}, id){where}")
    op.execute(
        f"CREATE INDEX ix_{LOGS}_words ON monitoring.{LOGS} USING gin ({WORDS})".replace(":", r"\:")
    )


def _make_keys() -> None:
    op.create_table(
        "event_keys",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("timestamp", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.LargeBinary(16), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_event_keys"),
        schema=SCHEMA,
        if_not_exists=True,
    )
    op.create_index(
        "ix_event_keys_timestamp",
        "event_keys",
        ["timestamp"],
        schema=SCHEMA,
        postgresql_using="brin",
        if_not_exists=True,
    )


def _fill_keys(connection: sa.Connection) -> None:
    after = ""
    while page := connection.execute(PAGE, {"after": after, "count": BATCH}).all():
        _add_keys(connection, page)
        after = page[-1][0]


def _return_digests(connection: sa.Connection) -> None:
    after = ""
    while page := connection.execute(PAGE, {"after": after, "count": BATCH}).all():
        ids = [row[0] for row in page]
        connection.execute(RETURN_DIGESTS, {"ids": ids, "keys": list(map(_key, ids))})
        after = ids[-1]


def _key(event_id: str) -> str:
    return str(UUID(bytes=blake2b(event_id.encode(), digest_size=16).digest()))


def _add_keys(connection: sa.Connection, rows: Sequence[Any]) -> None:
    keys = [_key(row[0]) for row in rows]
    # In one order, as the services insert them.
    ordered = sorted(zip(keys, rows, strict=True), key=lambda pair: pair[0])
    values = {
        "ids": [key for key, _ in ordered],
        "instants": [row[1] for _, row in ordered],
        "digests": [bytes(row[2]) for _, row in ordered],
    }
    connection.execute(ADD_KEYS, values)


def _index_concurrently(name: str, of: str) -> None:
    # An interrupted run leaves an invalid index behind.
    op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS monitoring.{name}")
    op.execute(f"CREATE INDEX CONCURRENTLY {name} ON monitoring.{LOGS} {of}")


def _count_again(byte: str) -> None:
    op.execute("DELETE FROM monitoring.log_counts")
    op.execute(COUNT_AGAIN.format(byte=byte))


def _make_older() -> None:
    """Turn the tables into parts: without the keys of their own and the wide indexes."""
    op.execute(f"ALTER TABLE monitoring.{RESULTS} DROP CONSTRAINT fk_{RESULTS}_event_id")
    op.execute(f"ALTER TABLE monitoring.{RESULTS} DROP CONSTRAINT pk_{RESULTS}")
    op.execute(f"ALTER TABLE monitoring.{RESULTS} ALTER COLUMN timestamp SET NOT NULL")
    op.execute(f"ALTER TABLE monitoring.{LOGS} DROP CONSTRAINT pk_{LOGS}, DROP COLUMN digest")
    for name in INDEXES:
        op.execute(f"DROP INDEX monitoring.ix_{LOGS}_{name}_id")
    op.execute(f"ALTER INDEX monitoring.ix_{LOGS}_words RENAME TO ix_{LOGS}_older_words")
    for name in (LOGS, RESULTS):
        op.execute(f"ALTER TABLE monitoring.{name} RENAME TO {name}_older")
    op.execute(
        f"ALTER TABLE monitoring.{RESULTS}_older ADD CONSTRAINT pk_{RESULTS}_older"
        " PRIMARY KEY (timestamp, event_id)"
    )


def _make_parents() -> None:
    for name in (LOGS, RESULTS):
        op.execute(
            f"CREATE TABLE monitoring.{name} (LIKE monitoring.{name}_older INCLUDING DEFAULTS"
            " INCLUDING CONSTRAINTS INCLUDING COMMENTS) PARTITION BY RANGE (timestamp)"
        )
        op.execute(f"CREATE TABLE monitoring.{name}_default PARTITION OF monitoring.{name} DEFAULT")
    op.execute(
        f"ALTER TABLE monitoring.{RESULTS} ADD CONSTRAINT pk_{RESULTS}"
        " PRIMARY KEY (timestamp, event_id)"
    )
    for name, (columns, where) in INDEXES.items():
        op.execute(f"CREATE INDEX ix_{LOGS}_{name} ON monitoring.{LOGS} ({columns}){where}")
    op.execute(
        f"CREATE INDEX ix_{LOGS}_words ON monitoring.{LOGS} USING gin ({WORDS})".replace(":", r"\:")
    )


def _index_words() -> None:
    words = [sa.text(WORDS)]
    op.create_index(f"ix_{LOGS}_words", LOGS, words, schema=SCHEMA, postgresql_using="gin")
