"""People who leave: deactivated, exported, erased.

Erasing takes away what somebody wrote the way that deleting does: the text goes from the log, the tables and the
search; an entry tells every reader of it, a mirrored thread included; and numbers stay, so that a log can be replayed.
Then their name goes from every entry, and what they asked an agent. What belongs to others stays: sessions, their
titles and files, what the agent did there, and a name that others have typed themselves. The account stays as well,
empty, because others' entries refer to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete
from sqlmodel import col, select

from core import accounts, audit, invites, log, mirrors, outbox, signing_in, tables
from core.blanking import NOBODY
from core.chat import attaching, mentions
from core.clock import iso
from core.db import Database, Transaction
from core.errors import Conflict
from core.events import CommentDeleted, MessageDeleted, PersonErased
from core.notifications import preferences, subscriptions, taking_up

#: Texts that one transaction takes away.
AT_ONCE = 100


class LastAdmin(Conflict):
    """This is the only admin: make another one first."""

    code = "last_admin"


def deactivate(tx: Transaction, user_id: str) -> tables.User:
    """Ends every login, token and socket of somebody, and lets them in no more. What they wrote stays."""
    user = accounts.get_user(tx, user_id)
    if user.is_active:
        _check_other_admin(tx, user)
        user.is_active = False
        accounts.sign_out_everywhere(tx, user_id)
        outbox.forget(tx, user_id, user.email)
        audit.record(tx, "account_deactivated", user_id)
    return user


def begin_erasing(tx: Transaction, user_id: str) -> tables.User:
    """Lets somebody in no more and calls them nobody. Their address stays until all is done, to find them by."""
    user = deactivate(tx, user_id)
    user.name = NOBODY
    tx.sql.add(user)
    return user


def reactivate(tx: Transaction, user_id: str) -> tables.User:
    """Lets somebody in again. They sign in anew. Raises Conflict for an account that was erased."""
    user = accounts.get_user(tx, user_id)
    if user.erased_at is not None:
        raise Conflict("What belonged to this account was erased; it cannot come back.")
    user.is_active = True
    tx.sql.add(user)
    audit.record(tx, "account_reactivated", user_id)
    return user


def export(tx: Transaction, user_id: str) -> Mapping[str, Any]:
    """What is kept about somebody, as JSON has it: who they are, where they have a seat, what they wrote."""
    user = accounts.get_user(tx, user_id)
    audit.record(tx, "account_exported", user_id)
    seat, session, message, comment = tables.Participation, tables.Session, tables.Message, tables.Comment
    reaction, identity = tables.Reaction, tables.Identity
    seats = tx.sql.exec(
        select(seat, session).where(seat.user_id == user_id, seat.session_id == session.id).order_by(col(session.id))
    )
    setting = tx.sql.get(tables.DigestSetting, user_id)
    return {
        "user_id": user.id,
        "name": user.name,
        "email": user.email,
        "time_zone": user.time_zone,
        "language": user.language,
        "is_active": user.is_active,
        "created_at": iso(user.created_at),
        "digest": None
        if setting is None
        else {"cadence": setting.cadence, "minute": setting.minute, "weekday": setting.weekday},
        "identities": [
            {"provider": one.provider, "realm": one.realm, "external_id": one.external_id}
            for one in tx.sql.exec(select(identity).where(identity.user_id == user_id))
        ],
        "push_browsers": [
            {
                "label": one.label,
                "created_at": iso(one.created_at),
                "last_sent_at": iso(one.last_sent_at) if one.last_sent_at is not None else None,
            }
            for one in subscriptions.of_user(tx, user_id)
        ],
        "sessions": [
            {"id": of.id, "title": of.title, "role": own.role, "joined_at": iso(own.joined_at)} for own, of in seats
        ],
        "messages": [
            {"id": one.id, "session_id": one.session_id, "at": iso(one.created_at), "content": one.content}
            for one in tx.sql.exec(
                select(message)
                .where(message.user_id == user_id, col(message.deleted_at).is_(None))
                .order_by(col(message.created_at))
            )
        ],
        "comments": [
            {"id": one.id, "session_id": one.session_id, "at": iso(one.created_at), "content": one.content}
            for one in tx.sql.exec(
                select(comment)
                .where(comment.user_id == user_id, col(comment.deleted_at).is_(None))
                .order_by(col(comment.created_at))
            )
        ],
        "reactions": [
            {"message_id": one.message_id, "emoji": one.emoji}
            for one in tx.sql.exec(select(reaction).where(reaction.user_id == user_id))
        ],
    }


async def erase(db: Database, user_id: str) -> int:
    """Takes away all that is left of somebody who is out already (`begin_erasing`); how many texts those were.

    The account comes last: until then it can be found by its address, and this be done again where it broke off.
    """
    texts = 0
    while done := await db.write(lambda tx: erase_words(tx, user_id)):
        texts += done
    for session_id in await db.read(lambda tx: traces(tx, user_id)):
        await db.write(lambda tx, one=session_id: erase_name(tx, user_id, one))
    await db.write(lambda tx: erase_account(tx, user_id))
    return texts


def traces(tx: Transaction, user_id: str) -> list[str]:
    """The sessions whose logs name somebody. Reads every log."""
    entry = tables.LogEntry
    query = select(entry.session_id).where(col(entry.frame).contains(user_id, autoescape=True)).distinct()
    return sorted(tx.sql.exec(query))


def erase_name(tx: Transaction, user_id: str, session_id: str) -> None:
    """Takes somebody's name, and what they asked the agent, out of a session, and tells everybody in it. Once: where
    nothing is left of them nothing is told."""
    session = _locked(tx, session_id)
    erased = PersonErased(user_id=user_id)
    if log.erase(tx, session_id, erased):
        log.append(tx, session, erased, actor_id=None)
        mirrors.take_up_again(tx, session_id)


def erase_account(tx: Transaction, user_id: str) -> None:
    """Empties the account; what its owner wrote is `erase_words`'s business."""
    user = deactivate(tx, user_id)
    address = user.email
    invites.forget(tx, user_id)
    taking_up.forget(tx, user_id)
    preferences.forget(tx, user_id)
    subscriptions.forget(tx, user_id)
    for table in (tables.Identity, tables.Login, tables.SignInLink, tables.DigestSetting, tables.Digest):
        tx.sql.exec(delete(table).where(col(table.user_id) == user_id))
    tx.sql.exec(delete(tables.TeamMember).where(col(tables.TeamMember.user_id) == user_id))
    if address is not None:
        signing_in.forget(tx, address)
        outbox.forget(tx, user_id, address)
    user.name, user.email, user.time_zone, user.language = NOBODY, None, "", ""
    user.is_admin, user.erased_at = False, user.erased_at or tx.now
    tx.sql.add(user)
    audit.record(tx, "account_erased", user_id)


def erase_words(tx: Transaction, user_id: str, limit: int = AT_ONCE) -> int:
    """Takes away up to `limit` of the texts that somebody wrote, in live and in ended sessions; 0 when none are left.

    Safe to run again after it broke off.
    """
    message, comment = tables.Message, tables.Comment
    messages = tx.sql.exec(
        select(message.id, message.session_id)
        .where(message.user_id == user_id, col(message.deleted_at).is_(None))
        .order_by(col(message.session_id), col(message.seq))
        .limit(limit)
    ).all()
    for message_id, session_id in messages:
        _erase_message(tx, _locked(tx, session_id), message_id, user_id)
    comments = tx.sql.exec(
        select(comment.id, comment.session_id)
        .where(comment.user_id == user_id, col(comment.deleted_at).is_(None) | (comment.username != NOBODY))
        .order_by(col(comment.session_id), col(comment.seq))
        .limit(max(0, limit - len(messages)))
    ).all()
    for comment_id, session_id in comments:
        _erase_comment(tx, _locked(tx, session_id), comment_id, user_id)
    return len(messages) + len(comments)


def _erase_message(tx: Transaction, session: tables.Session, message_id: str, user_id: str) -> None:
    row = _fresh(tx, tables.Message, message_id)
    if row.deleted_at is not None:
        return
    event = MessageDeleted(message_id=message_id, source="system")
    log.blank(tx, session.id, event, since=row.seq)
    entry = log.append(tx, session, event, actor_id=user_id)
    mirrors.take_up_again(tx, session.id)
    mentions.forget(tx, message_id)
    attaching.detach(tx, session.id, message_id)
    tx.sql.exec(delete(tables.Reaction).where(col(tables.Reaction.message_id) == message_id))
    row.content, row.mentions, row.mentions_here = "", "[]", False
    row.updated_seq, row.deleted_at = entry.seq, tx.now
    tx.sql.add(row)


def _erase_comment(tx: Transaction, session: tables.Session, comment_id: str, user_id: str) -> None:
    row = _fresh(tx, tables.Comment, comment_id)
    row.username = NOBODY
    if row.deleted_at is None:
        event = CommentDeleted(comment_id=comment_id, source="system")
        log.blank(tx, session.id, event, since=row.seq)
        row.updated_seq = log.append(tx, session, event, actor_id=user_id).seq
        mirrors.take_up_again(tx, session.id)
        row.content, row.mentions, row.deleted_at = "", "[]", tx.now
        mentions.forget(tx, comment_id)
    tx.sql.add(row)


def _fresh(tx: Transaction, table: type[Any], row_id: str) -> Any:
    return tx.sql.exec(select(table).where(table.id == row_id).execution_options(populate_existing=True)).one()


def _locked(tx: Transaction, session_id: str) -> tables.Session:
    query = select(tables.Session).where(tables.Session.id == session_id).with_for_update()
    return tx.sql.exec(query.execution_options(populate_existing=True)).one()


def _check_other_admin(tx: Transaction, user: tables.User) -> None:
    row = tables.User
    others = select(row.id).where(col(row.is_admin).is_(True), col(row.is_active).is_(True), row.id != user.id)
    if user.is_admin and tx.sql.exec(others).first() is None:
        raise LastAdmin
