"""Several workspaces outside, each with a grant of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import core.tables

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

#: Columns of short texts that are empty where there is nothing to say.
WORDS = {
    "enterprise_id": 40,
    "team_id": 40,
    "name": 120,
    "app_id": 40,
    "bot_user_id": 40,
    "bot_id": 40,
    "installed_by": 40,
}


def upgrade() -> None:
    op.create_table(
        "installations",
        sa.Column("realm", sa.String(length=40), nullable=False),
        *(sa.Column(name, sa.String(length=length), nullable=False) for name, length in WORDS.items()),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("installed_at", core.tables.UtcDateTime(), nullable=False),
        sa.Column("sealed_token", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_refresh_token", sa.LargeBinary(), nullable=True),
        sa.Column("token_expires_at", core.tables.UtcDateTime(), nullable=True),
        sa.Column("token_version", sa.Integer(), nullable=False),
        sa.Column("removed_at", core.tables.UtcDateTime(), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("realm"),
    )
    op.create_index("ix_installations_enterprise_id", "installations", ["enterprise_id"])


def downgrade() -> None:
    op.drop_table("installations")
