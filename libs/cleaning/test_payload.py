"""The payload of a quarantine record says whether it is whole, in any encoding."""

from __future__ import annotations

import base64

import pytest

from cleaning.payload import Payload, payload_of


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (b"", Payload("", "text", is_truncated=False)),
        (b"12345678", Payload("12345678", "text", is_truncated=False)),
        (b"123456789", Payload("12345678", "text", is_truncated=True)),
        ("éééé".encode(), Payload("éééé", "text", is_truncated=False)),
        ("1éééé".encode(), Payload("1ééé", "text", is_truncated=True)),
        # Eight characters in sixteen bytes.
        ("éééééééé".encode(), Payload("éééé", "text", is_truncated=True)),
        # Twelve characters of base 64 for eight bytes.
        (b"\xff" * 8, Payload("//////////8=", "base64", is_truncated=False)),
        (b"\xff" * 9, Payload("//////////8=", "base64", is_truncated=True)),
        # Whole, and ending inside of a character.
        (b"1\xc3", Payload("McM=", "base64", is_truncated=False)),
    ],
)
def test_a_payload_is_the_beginning_and_says_so(body: bytes, payload: Payload) -> None:
    assert payload_of(body, 8) == payload


@pytest.mark.parametrize("body", [b"\xff" * 750_000, b"\xff" * 999_999, b"\xff" * 1_000_000])
def test_bytes_within_the_limit_come_back_from_their_base_64(body: bytes) -> None:
    text, encoding, is_truncated = payload_of(body, 1_000_000)

    assert (encoding, is_truncated) == ("base64", False)
    assert base64.b64decode(text) == body
