"""Tokens: one algorithm, one purpose each, all claims required. Everything else is refused in the same words."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from api.tokens import Tokens
from core.errors import NotSignedIn

KEY = "0123456789abcdef" * 4
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def tokens() -> Tokens:
    return Tokens(KEY, lambda: NOW)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(header: Any, claims: Any, key: str = KEY) -> str:
    """A token as an attacker who may know the key would build it, without a library's scruples."""
    body = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
    return f"{body}.{b64(hmac.new(key.encode(), body.encode(), hashlib.sha256).digest())}"


GOOD_HEADER = {"alg": "HS256", "typ": "JWT"}
GOOD_CLAIMS = {
    "iss": "cosession",
    "aud": "cosession:api",
    "sub": "usr_ann",
    "jti": "jti_1",
    "iat": int(NOW.timestamp()),
    "exp": int((NOW + timedelta(hours=1)).timestamp()),
    "ver": 0,
}


def bad_tokens() -> Iterator[tuple[str, str]]:
    good = signed(GOOD_HEADER, GOOD_CLAIMS)
    head, body, signature = good.split(".")
    for text in (
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "null",
        good + ".x",
        good[:-1],
        head,
        f"{head}.{body}",
        f"{head}.{body}.",
    ):
        yield f"malformed {text[:12]!r}", text
    for alg in ("none", "None", "NONE", "nOnE", "", None, "HS384", "HS512", "RS256", "ES256", "EdDSA", ["HS256"], 1):
        yield f"alg {alg!r}", signed({"alg": alg, "typ": "JWT"}, GOOD_CLAIMS)
        yield f"alg {alg!r}, unsigned", signed({"alg": alg, "typ": "JWT"}, GOOD_CLAIMS).rsplit(".", 1)[0] + "."
    for field, value in itertools.product(
        ("kid", "jwk", "jku", "x5u", "x5c", "crit", "b64", "cty", "zip"),
        ("../../dev/null", "' or 1=1 --", "http://127.0.0.1/key", {"kty": "oct", "k": "AAAA"}),
    ):
        yield f"header {field} {value!r}"[:60], signed({**GOOD_HEADER, field: value}, GOOD_CLAIMS)
    for claim in GOOD_CLAIMS:
        yield f"without {claim}", signed(GOOD_HEADER, {k: v for k, v in GOOD_CLAIMS.items() if k != claim})
    for claim, values in {
        "iss": ("", "evil", ["cosession"], None),
        "aud": (
            "",
            "cosession",
            "cosession:ticket",
            "cosession:operator",
            ["cosession:api"],
            ["cosession:api", "x"],
            None,
        ),
        "exp": (0, -1, int(NOW.timestamp()), int(NOW.timestamp()) - 1, "soon", None, True, 10**30, {}),
        "ver": ("0", None, 1.5, [], {}),
        "sub": (1, None, ["usr_ann"]),
        "jti": (1, None),
        "sid": (7, ["ses_x"], {}),
    }.items():
        for value in values:
            yield f"{claim} {value!r}"[:60], signed(GOOD_HEADER, {**GOOD_CLAIMS, claim: value})
    for key in ("", "secret", KEY[:-1], KEY + "x", KEY.upper(), "0" * 64):
        yield f"key {key[:8]!r}", signed(GOOD_HEADER, GOOD_CLAIMS, key)
    other = signed(GOOD_HEADER, {**GOOD_CLAIMS, "sub": "usr_host"})
    yield "another's signature", ".".join((*other.split(".")[:2], signature))
    yield "claims are a list", signed(GOOD_HEADER, [GOOD_CLAIMS])
    yield "padded", good + "=="
    yield "with a space", good.replace(".", ". ")
    for flipped in range(0, len(signature), 3):
        changed = "A" if signature[flipped] != "A" else "B"
        yield f"signature byte {flipped}", f"{head}.{body}.{signature[:flipped]}{changed}{signature[flipped + 1 :]}"


BAD = list(bad_tokens())


def test_the_list_of_bad_tokens_is_long_and_its_model_is_good() -> None:
    assert len(BAD) >= 130
    assert tokens().check("api", signed(GOOD_HEADER, GOOD_CLAIMS)).user_id == "usr_ann"


def test_every_bad_token_is_refused() -> None:
    accepted: list[str] = []
    for name, token in BAD:
        try:
            tokens().check("api", token)
        except NotSignedIn:
            continue
        accepted.append(name)
    assert accepted == []


def test_a_token_for_one_purpose_serves_no_other() -> None:
    for made_for, used_for in itertools.permutations(("api", "ticket", "operator"), 2):
        token = tokens().issue(made_for, "usr_ann", 0, timedelta(minutes=1))
        with pytest.raises(NotSignedIn):
            tokens().check(used_for, token)


def test_a_token_ends_at_its_expiry_by_our_own_clock() -> None:
    token = tokens().issue("api", "usr_ann", 0, timedelta(seconds=60))
    assert Tokens(KEY, lambda: NOW + timedelta(seconds=59)).check("api", token).user_id == "usr_ann"
    with pytest.raises(NotSignedIn):
        Tokens(KEY, lambda: NOW + timedelta(seconds=60)).check("api", token)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Tokens("too short", lambda: NOW)


def test_tokens_are_made_with_the_pinned_algorithm() -> None:
    token = tokens().issue("api", "usr_ann", 0, timedelta(minutes=1))
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}
