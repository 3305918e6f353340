"""The files that an agent touched and the calls that it made, found without searching the log."""

from __future__ import annotations

import orjson
import sqlalchemy as sa
from alembic import op

import core.tables
from core.counting import call_mark, fingerprint, touch_mark

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

#: Entries in memory at a time.
BATCH = 500


def upgrade() -> None:
    op.create_table(
        "agent_marks",
        sa.Column("session_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"]),
        sa.PrimaryKeyConstraint("session_id", "name"),
    )
    _take_up()


def _take_up() -> None:
    connection, entry = op.get_bind(), core.tables.table_of("events")
    note = sa.text(
        """INSERT INTO agent_marks (session_id, name, fingerprint) VALUES (:session_id, :name, :fingerprint)
        ON CONFLICT (session_id, name) DO UPDATE SET fingerprint = excluded.fingerprint"""
    )
    page = (
        sa.select(entry.c.session_id, entry.c.seq, entry.c.type, entry.c.frame)
        .where(entry.c.type.in_(("file_changed", "tool_call_started")))
        .order_by(entry.c.session_id, entry.c.seq)
        .limit(BATCH)
    )
    rows = connection.execute(page).all()
    while rows:
        connection.execute(note, [{"session_id": row.session_id, **_mark(row.type, row.frame)} for row in rows])
        last = sa.tuple_(sa.literal(rows[-1].session_id), sa.literal(rows[-1].seq))
        rows = connection.execute(page.where(sa.tuple_(entry.c.session_id, entry.c.seq) > last)).all()


def _mark(kind: str, frame: str) -> dict[str, str | None]:
    body = orjson.loads(frame)
    if kind == "file_changed":
        return {"name": touch_mark(body["path"]), "fingerprint": None}
    return {"name": call_mark(body["call_id"]), "fingerprint": fingerprint(body["tool"], body["input"])}


def downgrade() -> None:
    op.drop_table("agent_marks")
