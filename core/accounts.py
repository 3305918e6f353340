"""People: accounts, proof of who they are, and the logins of their browsers."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import col, select, update

from core import audit, tables
from core.access import Actor
from core.db import Transaction
from core.errors import EmailTaken, Invalid, LinkExpired, NotSignedIn, UserNotFound
from core.events import Source
from core.ids import derived_id, hash_secret, new_id, new_secret

#: Colours of the palette that people are shown in.
COLORS = 12
#: Where the id of the account that was made first is kept.
FIRST_USER = "first_user"
#: Where it is kept that somebody was signed out.
LAST_SIGN_OUT = "last_sign_out"
LOGIN_LIFETIME = timedelta(days=30)
SIGN_IN_LINK_LIFETIME = timedelta(hours=12)

#: One plain address: no display name, no list, no control characters (RFC 5321 §4.1.2, the dot-string form).
_ADDRESS = re.compile(r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody whose browser, token or ticket was checked; `token_version` is the one that it was given out
    under."""

    actor: Actor
    email: str | None
    token_version: int
    #: When the token or login that proved it ends.
    expires_at: datetime
    #: May look at everything that is open on this server.
    is_admin: bool = False
    #: How they want dates written; empty for as their browser does.
    language: str = ""


def normal_email(text: str) -> str:
    """`text` as one lower-case address. Raises Invalid for anything else."""
    address = text.strip().lower()
    if len(address) > 320 or not _ADDRESS.match(address):
        raise Invalid("That is not an e-mail address. Write it like ann@example.com.")
    return address


def normal_name(text: str) -> str:
    """A name fit to be shown: one line, no control or direction characters. Raises Invalid when nothing is left."""
    kept = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
    name = " ".join(kept.split())[:80]
    if not name:
        raise Invalid("Write the name that others should see.")
    return name


def add_user(tx: Transaction, email: str | None, name: str, *, is_admin: bool = False) -> tables.User:
    """A new account; the first one is always an admin's. Raises EmailTaken."""
    address = normal_email(email) if email else None
    if address is not None and find_by_email(tx, address) is not None:
        raise EmailTaken(f"There is an account for {address} already.")
    user_id = new_id("usr")
    user = tables.User(
        id=user_id,
        email=address,
        name=normal_name(name),
        color=zlib.crc32(user_id.encode()) % COLORS,
        is_admin=is_admin,
        created_at=tx.now,
    )
    tx.sql.add(user)
    if tx.sql.get(tables.Meta, FIRST_USER) is None:
        tx.sql.add(tables.Meta(key=FIRST_USER, value=user_id))
        user.is_admin = True
    tx.sql.flush()
    audit.record(tx, "account_added", user_id)
    return user


def find_by_email(tx: Transaction, email: str) -> tables.User | None:
    return tx.sql.exec(select(tables.User).where(tables.User.email == email.strip().lower())).first()


def get_user(tx: Transaction, user_id: str) -> tables.User:
    user = tx.sql.get(tables.User, user_id)
    if user is None:
        raise UserNotFound
    return user


def actor_for(user: tables.User, source: Source) -> Actor:
    return Actor(user.id, user.name, user.color, source)


def actor_by_id(
    tx: Transaction, user_id: str, source: Source, *, expires_at: datetime, token_version: int | None = None
) -> SignedIn:
    """The account behind a checked token. Raises NotSignedIn when it is gone, deactivated, or signed out since."""
    user = tx.sql.get(tables.User, user_id)
    if user is None or not user.is_active:
        raise NotSignedIn
    if token_version is not None and token_version != user.token_version:
        raise NotSignedIn("You were signed out. Sign in again.")
    return SignedIn(actor_for(user, source), user.email, user.token_version, expires_at, user.is_admin, user.language)


def first_user(tx: Transaction) -> tables.User | None:
    """The account that was made first: on a fresh machine, whoever runs the server."""
    first = tx.sql.get(tables.Meta, FIRST_USER)
    return tx.sql.get(tables.User, first.value) if first else None


# ── Links and logins ──────────────────────────────────────────────────────────────────────────────────────────────────


def new_sign_in_link(tx: Transaction, user_id: str) -> str:
    """The secret of a link that signs `user_id` in, once."""
    secret = new_secret()
    tx.sql.add(
        tables.SignInLink(secret_hash=hash_secret(secret), user_id=user_id, expires_at=tx.now + SIGN_IN_LINK_LIFETIME)
    )
    return secret


def use_sign_in_link(tx: Transaction, secret: str) -> SignedIn:
    """Consumes the link. One conditional update decides, so that of many at once one wins. Raises LinkExpired."""
    link = tables.SignInLink
    user_id = tx.sql.exec(
        update(link)
        .where(col(link.secret_hash) == hash_secret(secret), col(link.used_at).is_(None), col(link.expires_at) > tx.now)
        .values(used_at=tx.now)
        .returning(col(link.user_id))
    ).scalar_one_or_none()
    if user_id is None:
        raise LinkExpired
    return actor_by_id(tx, user_id, "web", expires_at=tx.now + LOGIN_LIFETIME)


def open_login(tx: Transaction, user_id: str) -> tuple[str, datetime]:
    """Signs a browser in: the cookie's secret, and when it ends."""
    secret, expires_at = new_secret(), tx.now + LOGIN_LIFETIME
    user = get_user(tx, user_id)
    tx.sql.add(
        tables.Login(
            secret_hash=hash_secret(secret),
            user_id=user_id,
            token_version=user.token_version,
            created_at=tx.now,
            expires_at=expires_at,
        )
    )
    audit.record(tx, "signed_in", user_id)
    return secret, expires_at


def by_login(tx: Transaction, secret: str) -> SignedIn:
    """Whose browser this is. Raises NotSignedIn."""
    login = tx.sql.get(tables.Login, hash_secret(secret))
    if login is None or login.expires_at <= tx.now:
        raise NotSignedIn
    return actor_by_id(tx, login.user_id, "web", expires_at=login.expires_at, token_version=login.token_version)


def still_signed_in(tx: Transaction, versions: Mapping[str, int]) -> frozenset[str]:
    """Those of the users who are active and have not been signed out since their token was given out."""
    user = tables.User
    rows = tx.sql.exec(
        select(user.id, user.token_version).where(col(user.id).in_(list(versions)), col(user.is_active).is_(True))
    )
    return frozenset(user_id for user_id, version in rows if versions[user_id] == version)


def sign_out_everywhere(tx: Transaction, user_id: str) -> None:
    """Ends every login, token and ticket of somebody; their sockets are closed within a second, see `sign_outs`. Their
    browsers are pushed nothing any more."""
    user = get_user(tx, user_id)
    user.token_version += 1
    tx.sql.add(user)
    audit.record(tx, "signed_out_everywhere", user_id)
    tx.sql.merge(tables.Meta(key=LAST_SIGN_OUT, value=new_id("out")))
    tx.sql.exec(delete(tables.PushSubscription).where(col(tables.PushSubscription.user_id) == user_id))


def sign_outs(tx: Transaction) -> str:
    """Changes whenever somebody is signed out, by whatever process: cheap enough to be asked every second."""
    last = tx.sql.get(tables.Meta, LAST_SIGN_OUT)
    return last.value if last is not None else ""


def close_login(tx: Transaction, secret: str) -> None:
    login = tx.sql.get(tables.Login, hash_secret(secret))
    if login is not None:
        tx.sql.delete(login)


def use_ticket(tx: Transaction, jti: str, expires_at: datetime) -> None:
    """Marks a ticket as used. Raises NotSignedIn for the second use, in any process, before or after a restart."""
    if tx.sql.get(tables.UsedTicket, jti) is not None:
        raise NotSignedIn("This ticket was used already: fetch a new one for every connection.")
    tx.sql.add(tables.UsedTicket(jti=jti, expires_at=expires_at))


# ── Teams ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def team_for_realm(tx: Transaction, realm: str, name: str) -> tables.Team:
    """The team that a workspace elsewhere is, made on first sight."""
    team = tx.sql.exec(select(tables.Team).where(tables.Team.realm == realm)).first()
    if team is None:
        team = tables.Team(id=derived_id("tea", realm), name=normal_name(name), realm=realm, created_at=tx.now)
        tx.sql.add(team)
        tx.sql.flush()
    return team


def join_team(tx: Transaction, team_id: str, user_id: str) -> None:
    if tx.sql.get(tables.TeamMember, (team_id, user_id)) is None:
        tx.sql.add(tables.TeamMember(team_id=team_id, user_id=user_id))
