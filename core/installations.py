"""Installations: which workspaces outside let this server act in them, and with which sealed token.

A realm is a workspace, or an organisation that has granted it for all its workspaces. A grant that is taken back leaves
a row without secrets: mirrors and identities are kept by realm, so they work again after the next grant, which may be
the organisation's: see `core.adopting`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select

from core import adopting, audit, tables
from core.db import Transaction


@dataclass(frozen=True, slots=True)
class Grant:
    """What a workspace has agreed to. The tokens are sealed; see `core.sealing`."""

    realm: str
    enterprise_id: str
    team_id: str
    name: str
    app_id: str
    bot_user_id: str
    bot_id: str
    scopes: str
    installed_by: str
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class Tokens:
    """`expires_at` and `refresh` are None for a token that lasts."""

    sealed: bytes
    refresh: bytes | None = None
    expires_at: datetime | None = None


def install(tx: Transaction, grant: Grant) -> None:
    """Records a grant, the first one of its realm or a later one. The newest counts.

    One for a whole organisation takes over what its workspaces had that have taken theirs back.
    """
    row = _locked(tx, grant.realm) or tables.Installation(realm=grant.realm, token_version=0)
    row.enterprise_id, row.team_id, row.name = grant.enterprise_id, grant.team_id, grant.name[:120]
    row.app_id, row.bot_user_id, row.bot_id = grant.app_id, grant.bot_user_id, grant.bot_id
    row.scopes, row.installed_by, row.installed_at = grant.scopes, grant.installed_by, tx.now
    row.removed_at = None
    _store(tx, row, grant.tokens)
    audit.record(tx, "workspace_installed", None, realm=grant.realm, scopes=grant.scopes)
    if row.is_org_wide:
        for realm in _removed_from(tx, grant.enterprise_id):
            adopting.adopt(tx, realm, row.realm, row.name)


def find(tx: Transaction, realm: str) -> tables.Installation | None:
    """The installation of a realm; None where nothing was granted or it was taken back."""
    row = tx.sql.get(tables.Installation, realm, populate_existing=True)
    return row if row is not None and row.removed_at is None else None


def present(tx: Transaction) -> Sequence[tables.Installation]:
    """Every installation that was not taken back, the oldest first."""
    row = tables.Installation
    return tx.sql.exec(select(row).where(col(row.removed_at).is_(None)).order_by(col(row.installed_at))).all()


def renewed(tx: Transaction, realm: str, version: int, tokens: Tokens) -> bool:
    """Stores new tokens in place of those of `version`. False where others have come since, or the grant has gone."""
    row = _locked(tx, realm)
    if row is None or row.removed_at is not None or row.token_version != version:
        return False
    _store(tx, row, tokens)
    return True


def in_trouble(tx: Transaction, realm: str, version: int, words: str) -> None:
    """The tokens of `version` cannot be renewed or used; says so to whoever runs the server."""
    row = _locked(tx, realm)
    if row is not None and row.token_version == version and row.trouble != words:
        row.trouble = words
        tx.sql.add(row)


def remove(tx: Transaction, realm: str) -> bool:
    """The grant was taken back: its secrets are erased at once. False where there is none.

    Where the organisation grants it still, that takes over what the workspace had.
    """
    row = _locked(tx, realm)
    if row is None or row.removed_at is not None:
        return False
    row.sealed_token = row.sealed_refresh_token = row.token_expires_at = None
    row.removed_at, row.token_version, row.trouble = tx.now, row.token_version + 1, ""
    tx.sql.add(row)
    audit.record(tx, "workspace_removed", None, realm=realm)
    organisation = find(tx, row.enterprise_id) if row.enterprise_id and not row.is_org_wide else None
    if organisation is not None:
        adopting.adopt(tx, realm, organisation.realm, organisation.name)
    return True


def _removed_from(tx: Transaction, enterprise_id: str) -> Sequence[str]:
    """The realms of an organisation's workspaces that had granted it each for itself, and no longer do."""
    row = tables.Installation
    is_removed = (row.enterprise_id == enterprise_id, row.realm != enterprise_id, col(row.removed_at).is_not(None))
    return tx.sql.exec(select(row.realm).where(*is_removed)).all()


def _store(tx: Transaction, row: tables.Installation, tokens: Tokens) -> None:
    row.sealed_token, row.sealed_refresh_token = tokens.sealed, tokens.refresh
    row.token_expires_at, row.token_version, row.trouble = tokens.expires_at, row.token_version + 1, ""
    tx.sql.add(row)
    tx.sql.flush()


def _locked(tx: Transaction, realm: str) -> tables.Installation | None:
    query = select(tables.Installation).where(tables.Installation.realm == realm)
    return tx.sql.exec(query.with_for_update().execution_options(populate_existing=True)).first()
