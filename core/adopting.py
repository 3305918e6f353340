"""What a workspace had becomes its organisation's, once only the organisation grants anything there.

An organisation may grant this server all its workspaces while one of them has done so for itself, whose token goes on
working (https://docs.slack.dev/enterprise-grid/migrating-to-organization-wide-deployment). When that ends, Slack names
the organisation in every request, and threads, accounts and invites have to be found by its id, as Slack advises to
keep them (https://docs.slack.dev/enterprise-grid).
"""

from __future__ import annotations

from sqlalchemy import update
from sqlmodel import col, select

from core import accounts, identities, tables
from core.db import Transaction

#: What is found by its realm and is the same in every other respect.
_KEPT_BY_REALM = (tables.MirrorLink, tables.MirrorFile, tables.Invite, tables.InviteLetter)


def adopt(tx: Transaction, realm: str, organisation: str, name: str) -> None:
    """Moves everything from the realm of a workspace to that of its organisation, which is called `name`."""
    _move_mirrors(tx, realm, organisation)
    for table in _KEPT_BY_REALM:
        tx.sql.exec(update(table).where(col(table.realm) == realm).values(realm=organisation))
    _move_identities(tx, realm, organisation)
    _join(tx, realm, accounts.team_for_realm(tx, organisation, name).id)
    tx.sql.expire_all()


def _move_mirrors(tx: Transaction, realm: str, organisation: str) -> None:
    """Whoever posts for them does so with a token that has ended: another takes over, with the new one."""
    mirror = tables.Mirror
    moved = {"realm": organisation, "lease_fence": col(mirror.lease_fence) + 1, "lease_until": None}
    tx.sql.exec(update(mirror).where(col(mirror.realm) == realm).values(moved))


def _move_identities(tx: Transaction, realm: str, organisation: str) -> None:
    """An account that has signed in through the organisation already is known there, and stays what it is."""
    identity = tables.Identity
    for row in tx.sql.exec(select(identity).where(identity.realm == realm)).all():
        if tx.sql.get(identity, (row.provider, organisation, row.external_id)) is None:
            identities.link(tx, row.user_id, row.provider, organisation, row.external_id)
        tx.sql.delete(row)
    tx.sql.flush()


def _join(tx: Transaction, realm: str, team_id: str) -> None:
    """Who was of the workspace is of the organisation. The workspace's own sessions stay with the workspace."""
    team, member = tables.Team, tables.TeamMember
    members = select(member.user_id).where(member.team_id == team.id, team.realm == realm)
    for user_id in tx.sql.exec(members).all():
        accounts.join_team(tx, team_id, user_id)
    tx.sql.flush()
