"""Let keys hold permissions, and keep the right to erase for keys that have it."""

import sqlalchemy as sa
from alembic import op

revision = "20261129_permissions"
down_revision = "20261129_roles"

TABLE = "api_keys"
NEW = "Scopes and permissions, separated by spaces; unknown words are ignored"
OLD = "The scopes, separated by spaces"


def upgrade() -> None:
    op.alter_column(
        TABLE,
        "scopes",
        type_=sa.Text(),
        existing_type=sa.String(100),
        existing_nullable=False,
        comment=NEW,
        existing_comment=OLD,
        schema="access",
    )
    # The scope `write` contained it.
    op.execute(
        "UPDATE access.api_keys SET scopes = scopes || ' erase'"
        " WHERE 'write' = ANY (string_to_array(scopes, ' '))"
    )


def downgrade() -> None:
    # A key of permissions alone may do nothing in the earlier release.
    op.execute(
        "UPDATE access.api_keys SET scopes = array_to_string(ARRAY("
        "SELECT word FROM unnest(string_to_array(scopes, ' ')) AS word"
        " WHERE word IN ('admin', 'ingest', 'read', 'write')), ' ')"
    )
    op.alter_column(
        TABLE,
        "scopes",
        type_=sa.String(100),
        existing_type=sa.Text(),
        existing_nullable=False,
        comment=OLD,
        existing_comment=NEW,
        schema="access",
    )
