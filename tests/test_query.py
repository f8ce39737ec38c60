from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest

from kqlmagic_ext.query import Sent, Timespan, Window, shortened

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "length", "shown"),
    [
        ("7d", timedelta(days=7), "last 7 days"),
        ("12h", timedelta(hours=12), "last 12 hours"),
        ("1d", timedelta(days=1), "last day"),
        ("P1DT12H", timedelta(hours=36), "last 36 hours"),
        ("PT90S", timedelta(seconds=90), "last 90 seconds"),
        ("P2W", timedelta(weeks=2), "last 14 days"),
    ],
)
def test_a_length_reaches_back_from_now(text: str, length: timedelta, shown: str) -> None:
    span = Timespan.parse(text)
    assert span is not None
    assert span.window(NOW) == Window(NOW - length, NOW)
    assert str(span) == shown


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-01/2026-11-02",
        "2026-11-01/P1D",
        "P1D/2026-11-02",
        "2026-11-01T01:00+01:00/1d",
        "2026-11-01T00:00Z/24h",
    ],
)
def test_two_moments_are_a_half_open_window(text: str) -> None:
    span = Timespan.parse(text)
    assert span is not None
    assert span.window(NOW) == Window(*DAY)
    assert str(span) == "2026-11-01T00:00:00Z/2026-11-02T00:00:00Z"


def test_all_is_no_timespan() -> None:
    assert Timespan.parse("all") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "7",
        "d",
        "0d",
        "P",
        "PT",
        "-1d",
        "9999999999d",
        "/",
        "a/b",
        "7d/3d",
        "2026-11-01/",
        "2026-11-02/2026-11-01",
        "2026-11-01/2026-11-01",
    ],
)
def test_what_is_no_timespan_says_so(text: str) -> None:
    with pytest.raises(ValueError, match=r"no timespan|ends before"):
        Timespan.parse(text)


def test_a_long_text_is_cut_with_its_hash() -> None:
    text = shortened("a" * 5000, 100)
    assert len(text) < 150
    assert "5,000 characters, sha256 " in text
    assert shortened("short", 100) == "short"


def test_an_origin_is_at_most_4_kb_whatever_the_analyst_wrote() -> None:
    emoji = "😀" * 3000
    sent = Sent(emoji, {emoji[:500]: emoji, "b": "x" * 900}, emoji, Window(), NOW)
    origin = sent.origin(rows=1, seconds=0.1, warnings=(emoji,) * 50)
    assert len(json.dumps(origin).encode()) <= 4096
    digest = hashlib.sha256(emoji.encode()).hexdigest()[:16]
    assert digest in origin["query"]
    assert shortened(emoji, 0).startswith(" … (3,000 characters")
    assert "😀" not in shortened(emoji, 0)
