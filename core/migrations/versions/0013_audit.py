"""The audit: rows may be added, and neither changed nor taken away."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import core.tables

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

REFUSAL = "entries of the audit are neither changed nor taken away"
ON_POSTGRES = f"""
CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$
"""


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", core.tables.COUNTED, autoincrement=True, nullable=False),
        sa.Column("at", core.tables.UtcDateTime(), nullable=False),
        sa.Column("act", sa.String(length=40), nullable=False),
        sa.Column("user_id", sa.String(length=40), nullable=True),
        sa.Column("details", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_audit_entries_at", "audit_entries", ["at"])
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{change.lower()} BEFORE {change} ON audit_entries "
                f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            )
        return
    op.execute(ON_POSTGRES)
    op.execute(
        "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit_entries "
        "FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()"
    )


def downgrade() -> None:
    op.drop_table("audit_entries")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_audit_change()")
