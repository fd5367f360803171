"""Index the words of messages split at punctuation, so that parts of paths and names are found."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_words"
down_revision = "20261129_background_work"

SCHEMA = "monitoring"
LOGS = "monitoring_logs"
SEPARATORS = (
    r"[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf"
    r"\u00d7\u00f7\u2000-\u206f\u20a0-\u20cf\u2100-\u2bff\u3000-\u303f\ufe00-\ufe0f"
    r"\U0001f000-\U0001faff]+"
)
NEW = (
    f"ix_{LOGS}_words",
    f"to_tsvector('simple', regexp_replace(message, '{SEPARATORS}', ' ', 'g'))",
)
OLD = (f"ix_{LOGS}_message_words", "to_tsvector('simple', message)")


def upgrade() -> None:
    _exchange(OLD, NEW)


def downgrade() -> None:
    _exchange(NEW, OLD)


def _exchange(old: tuple[str, str], new: tuple[str, str]) -> None:
    name, expression = new
    with op.get_context().autocommit_block():
        # An interrupted run leaves an invalid index behind.
        _drop(name)
        op.create_index(
            name,
            LOGS,
            [sa.text(expression)],
            schema=SCHEMA,
            postgresql_using="gin",
            postgresql_concurrently=True,
        )
        _drop(old[0])


def _drop(name: str) -> None:
    op.drop_index(name, LOGS, schema=SCHEMA, postgresql_concurrently=True, if_exists=True)
