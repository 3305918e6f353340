"""How often the hosts of a session were reminded that somebody waits at its door."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("knocks") as knocks:
        knocks.add_column(sa.Column("reminders", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("knocks") as knocks:
        knocks.drop_column("reminders")
