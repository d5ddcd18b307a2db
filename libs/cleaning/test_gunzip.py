"""Decompression that no input can make slow or large."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.gunzip import MAX_MEMBERS, GunzipError, gunzip

LIMIT = 1000


@settings(deadline=None)
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=3), st.integers(0, 9))
def test_members_and_padding_are_one_text(parts: list[bytes], padding: int) -> None:
    data = b"".join(map(gzip.compress, parts)) + b"\0" * padding

    assert gunzip(data, LIMIT) == b"".join(parts)


def test_a_stream_larger_than_a_slice_is_read_whole() -> None:
    body = bytes(range(256)) * 40_000

    assert gunzip(gzip.compress(body, 0), len(body)) == body


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "not_gzip"),
        (b"{}", "not_gzip"),
        (gzip.compress(b"hello" * 50)[:2], "truncated"),
        (gzip.compress(b"hello" * 50)[:-1], "truncated"),
        (gzip.compress(b"hello")[:-5] + b"\0" + gzip.compress(b"hello")[-4:], "damaged"),
        (gzip.compress(b"a") + b"rest", "damaged"),
        (gzip.compress(b"a") + b"\0" * 9 + b"rest", "damaged"),
        (gzip.compress(b"\0" * 10**8), "too_large"),
        (gzip.compress(b"x" * 501) * 2, "too_large"),
        (gzip.compress(b"") * (MAX_MEMBERS + 1), "damaged"),
    ],
)
def test_each_fault_has_its_name(data: bytes, fault: str) -> None:
    with pytest.raises(GunzipError) as raised:
        gunzip(data, LIMIT)

    assert raised.value.fault == fault


def test_many_members_are_refused_before_they_are_read() -> None:
    """GIVEN 4 MiB of empty members WHEN they are read THEN it stops at the bound, at once."""
    with pytest.raises(GunzipError, match=f"more than {MAX_MEMBERS} members"):
        gunzip(gzip.compress(b"") * (4 * 2**20 // 20), LIMIT)
