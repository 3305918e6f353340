"""Coming in by an address: a mail with a link and a code goes to it, and either signs a browser in, once.

Asking is answered the same, stored the same and takes the same time, whoever the address belongs to: whether there is
an account is looked up when the mail is sent. Link and code are made then, too, so that no secret waits in the outbox;
what is kept of them are hashes.

Whoever asks in a browser gets a secret for it (`browser`), and link and code are good in that browser alone: a robot
that follows links spends nothing, and nobody is signed in as somebody else by opening a link that a stranger asked for.
The mail of an invite carries a way in as well, for somebody who has no account yet: no browser has asked for that one,
and whoever it is forwarded to could come in by it. So it never signs anybody in to an account that is there already.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func
from sqlmodel import col, select, update

from core import accounts, outbox, tables
from core.accounts import LOGIN_LIFETIME, SignedIn
from core.db import Transaction
from core.errors import LinkExpired
from core.ids import derived_id, hash_secret, new_id, new_secret

LIFETIME = timedelta(minutes=15)
#: Mails to one address within that time, for one browser and for all; whoever asks more often gets the same answer and
#: no mail. A stranger who asks for somebody else uses up less than all.
MOST_MAILS, MOST_MAILS_OF_ALL = 3, 10
#: Wrong codes, of all that one browser has asked for; after that its links still work.
MOST_MISSES = 5
#: How every secret of such a link begins, so that it is not taken for one that an operator has printed.
MARK = "m."
#: Of codes: nothing that is mistaken for something else, 0 for O or 1 for I.
_DIGITS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class SignUp:
    """Who gets an account by showing that an address is theirs: whoever is invited by it; `anyone`; and whoever has an
    address at one of `domains`."""

    anyone: bool = False
    domains: frozenset[str] = frozenset()

    def allows(self, tx: Transaction, email: str) -> bool:
        return self.anyone or email.rpartition("@")[2] in self.domains or _is_invited(tx, email)


@dataclass(frozen=True, slots=True)
class WayIn:
    """What a mail carries. `secret` stands behind the `#` of a link; `code` is typed, in any case and spacing."""

    secret: str
    code: str


# ── Asking ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def ask(tx: Transaction, email: str, browser: str) -> None:
    """Has a link sent to an address, for the browser that keeps this secret. Raises Invalid for what is no address."""
    address = accounts.normal_email(email)
    row = tables.EmailSignIn
    asked_for = (row.email == address, row.browser_hash != "", row.created_at > tx.now - LIFETIME)
    own = hash_secret(browser)
    of_all = tx.sql.exec(select(func.count()).where(*asked_for)).one()
    of_this = tx.sql.exec(select(func.count()).where(*asked_for, row.browser_hash == own)).one()
    if of_all >= MOST_MAILS_OF_ALL or of_this >= MOST_MAILS:
        return
    wish = _open(tx, new_id("emi"), address, own, tx.now + LIFETIME)
    outbox.enqueue(tx, "sign_in", address, {"sign_in_id": wish.id}, key=wish.id, expires_at=wish.expires_at)


def prepare(tx: Transaction, mail: outbox.Mail, policy: SignUp) -> WayIn | None:
    """The way in for one attempt to send this mail (`sign_in` or `invite`). None where nobody has that address and
    nobody may get an account by it, or it is too late: then the mail is not sent."""
    if mail.kind == "sign_in":
        wish = tx.sql.get(tables.EmailSignIn, str(mail.values["sign_in_id"]))
    else:
        found = derived_id("emi", mail.id)
        wish = tx.sql.get(tables.EmailSignIn, found) or _open(tx, found, mail.recipient, "", mail.expires_at)
    if wish is None or wish.used_at is not None or wish.expires_at <= tx.now:
        return None
    user = accounts.find_by_email(tx, wish.email)
    if not (user.is_active if user is not None else policy.allows(tx, wish.email)):
        return None
    way = WayIn(MARK + new_secret(), _new_code())
    tx.sql.add(
        tables.EmailLink(
            secret_hash=hash_secret(way.secret), sign_in_id=wish.id, code_hash=_code_hash(wish.id, way.code)
        )
    )
    return way


# ── Coming in ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def address_of(tx: Transaction, secret: str, browser: str) -> str:
    """Whose address the link was sent to, if it would work now in this browser; uses nothing up. Raises LinkExpired."""
    return _wish_of(tx, secret, browser).email


def use_link(tx: Transaction, secret: str, browser: str, policy: SignUp) -> SignedIn:
    """Consumes the link, with every other one of the same wish. Raises LinkExpired."""
    return _come_in(tx, _wish_of(tx, secret, browser), policy)


def use_code(tx: Transaction, code: str, browser: str, policy: SignUp) -> SignedIn | None:
    """The same by a code, which is good only in the browser that asked. None for a wrong one: count it with `missed`,
    in a transaction that is not undone. Raises LinkExpired after too many."""
    wishes = _wishes(tx, browser)
    if not wishes or sum(wish.misses for wish in wishes) >= MOST_MISSES:
        raise LinkExpired("This code is too old, or was mistyped too often. Ask for another mail.")
    link = tables.EmailLink
    for wish in wishes:
        hashes = tx.sql.exec(select(link.code_hash).where(link.sign_in_id == wish.id))
        if any(hmac.compare_digest(one, _code_hash(wish.id, code)) for one in hashes):
            return _come_in(tx, wish, policy)
    wishes[0].misses += 1
    tx.sql.add(wishes[0])
    return None


def prune(tx: Transaction) -> int:
    """Forgets wishes past their time."""
    wish, link = tables.EmailSignIn, tables.EmailLink
    old = select(wish.id).where(wish.expires_at <= tx.now)
    tx.sql.exec(delete(link).where(col(link.sign_in_id).in_(old)))
    return tx.sql.exec(delete(wish).where(col(wish.expires_at) <= tx.now)).rowcount


def forget(tx: Transaction, email: str) -> None:
    """Erases every wish to come in by an address."""
    wish, link = tables.EmailSignIn, tables.EmailLink
    tx.sql.exec(delete(link).where(col(link.sign_in_id).in_(select(wish.id).where(wish.email == email))))
    tx.sql.exec(delete(wish).where(col(wish.email) == email))


def _open(tx: Transaction, wish_id: str, email: str, browser_hash: str, expires_at: datetime) -> tables.EmailSignIn:
    wish = tables.EmailSignIn(
        id=wish_id, email=email, browser_hash=browser_hash, created_at=tx.now, expires_at=expires_at
    )
    tx.sql.add(wish)
    tx.sql.flush()
    return wish


def _wish_of(tx: Transaction, secret: str, browser: str) -> tables.EmailSignIn:
    link = tx.sql.get(tables.EmailLink, hash_secret(secret))
    wish = tx.sql.get(tables.EmailSignIn, link.sign_in_id) if link is not None else None
    if wish is None or wish.used_at is not None or wish.expires_at <= tx.now:
        raise LinkExpired
    if wish.browser_hash and not hmac.compare_digest(wish.browser_hash, hash_secret(browser)):
        raise LinkExpired("This link was asked for in another browser. Open it there, or type its code there.")
    return wish


def _wishes(tx: Transaction, browser: str) -> list[tables.EmailSignIn]:
    """What this browser has asked for and not used, the newest first."""
    row = tables.EmailSignIn
    query = select(row).where(
        row.browser_hash == hash_secret(browser), col(row.used_at).is_(None), row.expires_at > tx.now
    )
    return list(tx.sql.exec(query.order_by(col(row.created_at).desc(), col(row.id)).with_for_update()))


def _come_in(tx: Transaction, wish: tables.EmailSignIn, policy: SignUp) -> SignedIn:
    """One conditional update decides, so that of many at once one comes in."""
    row = tables.EmailSignIn
    is_first = tx.sql.exec(
        update(row).where(col(row.id) == wish.id, col(row.used_at).is_(None)).values(used_at=tx.now)
    ).rowcount
    if not is_first:
        raise LinkExpired
    user = accounts.find_by_email(tx, wish.email)
    if user is not None and not wish.browser_hash:
        raise LinkExpired("There is an account for this address by now. Sign in: the invite is there.")
    if user is None:
        if not policy.allows(tx, wish.email):
            raise LinkExpired("There is no account for this address any more.")
        user = accounts.add_user(tx, wish.email, _name_for(tx, wish.email))
    return accounts.actor_by_id(tx, user.id, "web", expires_at=tx.now + LOGIN_LIFETIME)


def _code_hash(wish_id: str, code: str) -> str:
    """Forty bits could be found out from the hash, but without the browser's secret the code is of no use."""
    return hash_secret(f"{wish_id}:{''.join(c for c in code.upper() if c in _DIGITS)}")


def _new_code() -> str:
    """Forty bits: with `MOST_MISSES` tries for each of `MOST_MAILS_OF_ALL` in `LIFETIME`, guessing takes longer than a
    lifetime, and a stranger who asks for somebody else's mail again and again gains nothing."""
    digits = [secrets.choice(_DIGITS) for _ in range(8)]
    return f"{''.join(digits[:4])}-{''.join(digits[4:])}"


def _is_invited(tx: Transaction, email: str) -> bool:
    invite = tables.Invite
    query = select(invite.id).where(
        invite.email == email,
        invite.expires_at > tx.now,
        col(invite.revoked_at).is_(None),
        col(invite.declined_at).is_(None),
        col(invite.use_count) < col(invite.max_uses),
    )
    return tx.sql.exec(query.limit(1)).first() is not None


def _name_for(tx: Transaction, email: str) -> str:
    """What whoever invited them calls them, or what the address suggests. They can change it."""
    invite = tables.Invite
    named = tx.sql.exec(
        select(invite.name).where(invite.email == email, invite.name != "").order_by(col(invite.created_at).desc())
    ).first()
    words = email.partition("@")[0].replace(".", " ").replace("_", " ").replace("-", " ").split()
    return named or " ".join(word.capitalize() for word in words) or email
