"""What search looks in, and everything that was said before it came."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import core.tables
from core import indexing
from core.log import Stored

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

#: Entries in memory at a time.
BATCH = 500

# The words were made by `core.words`: each engine has to part them at the spaces, and to add nothing of its own.
_INDEX_OF_SQLITE = (
    """CREATE VIRTUAL TABLE search_index USING fts5(
        plain, content='search_entries', content_rowid='id', tokenize="ascii tokenchars '_'", columnsize=0)""",
    """CREATE TRIGGER search_entry_added AFTER INSERT ON search_entries BEGIN
        INSERT INTO search_index (rowid, plain) VALUES (new.id, new.plain);
    END""",
    """CREATE TRIGGER search_entry_deleted AFTER DELETE ON search_entries BEGIN
        INSERT INTO search_index (search_index, rowid, plain) VALUES ('delete', old.id, old.plain);
    END""",
    """CREATE TRIGGER search_entry_changed AFTER UPDATE ON search_entries BEGIN
        INSERT INTO search_index (search_index, rowid, plain) VALUES ('delete', old.id, old.plain);
        INSERT INTO search_index (rowid, plain) VALUES (new.id, new.plain);
    END""",
)
_INDEX_OF_POSTGRES = (
    """ALTER TABLE search_entries ADD COLUMN words tsvector
        GENERATED ALWAYS AS (array_to_tsvector(string_to_array(btrim(plain), ' '))) STORED""",
    "CREATE INDEX search_index ON search_entries USING gin (words)",
)


def upgrade() -> None:
    op.create_table(
        "search_entries",
        sa.Column("id", core.tables.COUNTED, autoincrement=True, nullable=False),
        sa.Column("session_id", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("ref_id", sa.String(length=1000), nullable=True),
        sa.Column("user_id", sa.String(length=40), nullable=True),
        sa.Column("at", core.tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("plain", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("search_entries_in_order", "search_entries", ["session_id", "seq"], unique=True)
    for statement in _INDEX_OF_SQLITE if op.get_bind().dialect.name == "sqlite" else _INDEX_OF_POSTGRES:
        op.execute(statement)
    # In the order of time, over all sessions: that is the order in which search shows them.
    op.create_index("events_by_time", "events", ["at", "session_id", "seq"])
    _take_up()
    op.drop_index("events_by_time", table_name="events")


def _take_up() -> None:
    connection, entry = op.get_bind(), core.tables.table_of("events")
    place = sa.tuple_(entry.c.at, entry.c.session_id, entry.c.seq)
    columns = (entry.c.session_id, entry.c.seq, entry.c.type, entry.c.actor_id, entry.c.at, entry.c.frame)
    page = sa.select(*columns).order_by(entry.c.at, entry.c.session_id, entry.c.seq).limit(BATCH)
    rows = connection.execute(page).all()
    while rows:
        said = [(row.session_id, Stored(row.seq, row.type, row.actor_id, row.frame.encode())) for row in rows]
        indexing.record(connection, said)
        last = rows[-1]
        after = place > sa.tuple_(
            sa.literal(last.at, core.tables.UtcDateTime()), sa.literal(last.session_id), sa.literal(last.seq)
        )
        rows = connection.execute(page.where(after)).all()


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE search_index")
    op.drop_table("search_entries")
