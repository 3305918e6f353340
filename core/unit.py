"""One transaction of the database: plain statements on its connection, and an ORM session for those who ask for one.

Making a session costs more than storing a message, and what is said most needs none.
"""

from __future__ import annotations

from typing import Protocol

from sqlalchemy.engine import Connection, RootTransaction
from sqlmodel import Session as SqlSession


class Unit(Protocol):
    """Begins with its first use. Whoever made it ends it."""

    @property
    def connection(self) -> Connection: ...

    @property
    def sql(self) -> SqlSession: ...

    def roll_back(self) -> None:
        """Undoes everything so far. What is used after that is a transaction anew."""
        ...


class SessionUnit:
    """A transaction that belongs to an ORM session."""

    def __init__(self, sql: SqlSession) -> None:
        self.sql = sql

    @property
    def connection(self) -> Connection:
        return self.sql.connection()

    def roll_back(self) -> None:
        self.sql.rollback()


class ConnectionUnit:
    """A transaction on a connection that outlives it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._root: RootTransaction | None = None
        self._sql: SqlSession | None = None

    @property
    def connection(self) -> Connection:
        if self._root is None:
            self._root = self._connection.begin()
        return self._connection

    @property
    def sql(self) -> SqlSession:
        if self._sql is None:
            # Its commit only flushes: the transaction stays ours.
            self._sql = SqlSession(self.connection, expire_on_commit=False, join_transaction_mode="rollback_only")
        return self._sql

    def commit(self) -> None:
        if self._sql is not None:
            self._sql.commit()
        if self._root is not None:
            self._root.commit()
        self._end()

    def roll_back(self) -> None:
        try:
            if self._root is not None:
                self._root.rollback()
        finally:
            self._end()

    def _end(self) -> None:
        sql, self._sql, self._root = self._sql, None, None
        if sql is not None:
            sql.close()
