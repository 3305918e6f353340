"""What goes to a browser is encrypted as RFC 8291 has it, to the byte of its example."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key

from integrations.push.encryption import MAX_BODY, MAX_TEXT, encrypt
from tests.support.push import PushedTo, decoded, encoded

# RFC 8291, section 5 and appendix A.
TEXT = b"When I grow up, I want to be a watermelon"
OWN = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
BROWSER = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
    "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_the_example_of_the_standard_comes_out_to_the_byte() -> None:
    own = derive_private_key(int.from_bytes(decoded(OWN), "big"), SECP256R1())
    body = encrypt(TEXT, decoded(BROWSER), decoded(AUTH), own=own, salt=decoded(SALT))
    assert encoded(body) == BODY


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 1_000, MAX_TEXT])
def test_every_length_that_fits_is_read_by_the_browser(length: int) -> None:
    browser = PushedTo("")
    body = encrypt(b"x" * length, browser.public, browser.auth)
    assert browser.decrypt(body) == b"x" * length
    assert len(body) <= MAX_BODY


def test_no_two_messages_share_a_key_or_a_salt() -> None:
    browser = PushedTo("")
    first, second = (encrypt(TEXT, browser.public, browser.auth) for _ in range(2))
    assert first[:16] != second[:16]
    assert first[21:86] != second[21:86]


def test_a_longer_text_and_a_point_off_the_curve_are_refused() -> None:
    browser = PushedTo("")
    assert MAX_TEXT == 3_993
    with pytest.raises(ValueError, match="3993 bytes"):
        encrypt(b"x" * (MAX_TEXT + 1), browser.public, browser.auth)
    off = browser.public[:-1] + bytes([browser.public[-1] ^ 1])
    with pytest.raises(ValueError, match=r"(?i)point|key"):
        encrypt(b"x", off, browser.auth)
