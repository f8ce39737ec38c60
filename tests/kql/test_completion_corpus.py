"""Completion against real queries: cut after two letters of a word, the right word must be offered, and fast."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from kqlmagic_ext.kql.known_tables import known_tables
from kqlmagic_ext.kql.language_service import LanguageService, Schema
from kqlmagic_ext.kql.language_service.ours import OurService
from kqlmagic_ext.kql.language_service.ours.code import Code
from kqlmagic_ext.kql.language_service.ours.follower import Follower
from kqlmagic_ext.kql.language_service.ours.place import find_place
from tests.kql.corpus import Typed, queries, typed_words
from tests.kql.test_language_service import SERVICES, plain

SCHEMA = Schema(known_tables(hunting=True))
SEED = 20261124
PLACES = 2_000
LETTERS = 2
LEAST = {"operator": 0.95, "function": 0.95, "table": 0.90, "column": 0.90}


@pytest.fixture(scope="module")
def corpus() -> list[dict[str, Any]]:
    return queries()


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> LanguageService:
    return SERVICES[request.param]()


def places(corpus: list[dict[str, Any]], count: int = PLACES) -> list[tuple[str, Typed]]:
    """Random words of the queries, each with its query; always the same."""
    every = [
        (query["query"], word) for query in corpus for word in typed_words(query["query"], query["tables"])
    ]
    return random.Random(SEED).sample(every, count)  # noqa: S311 - the same places each time


def tell(figure: object) -> None:
    print(figure)  # noqa: T201 - pytest -s shows it


def is_offered(service: LanguageService, text: str, word: Typed) -> bool:
    cut = word.start + LETTERS
    found = service.complete(text[:cut], cut, SCHEMA)
    return word.text in {name.lstrip("!").split(" ")[0] for name in plain(found)}


def has_known_source(text: str, word: Typed) -> bool:
    """Whether the columns at a word follow from tables that are known."""
    return find_place(Follower(Code(text[: word.start]), SCHEMA)).columns.known


def test_the_right_word_is_offered(corpus: list[dict[str, Any]], service: LanguageService) -> None:
    tried, hit = Counter[str](), Counter[str]()
    unknown, seen = 0, 0
    for text, word in places(corpus):
        offered = is_offered(service, text, word)
        tried[word.kind] += 1
        hit[word.kind] += offered
        if word.kind == "column" and not has_known_source(text, word):
            unknown += 1
            seen += offered
    shares = {kind: hit[kind] / tried[kind] for kind in tried}
    tell({kind: f"{hit[kind]}/{tried[kind]} = {share:.1%}" for kind, share in shares.items()})
    tell(
        f"columns where the source is unknown: {unknown / tried['column']:.1%}, offered: {seen / unknown:.1%}"
    )
    assert set(tried) == set(LEAST)
    assert [kind for kind, share in shares.items() if share < LEAST[kind]] == []


def test_a_reply_costs_a_tenth_of_one_parse_of_the_query(corpus: list[dict[str, Any]]) -> None:
    from duckdb_kql import parse

    chosen = [place for place in places(corpus, 200) if place[1].start > 300 and parses(place[0])][:25]
    asked = OurService()
    is_offered(asked, *chosen[0])  # reads the facts
    answers = least(lambda text, word: is_offered(asked, text, word), chosen)
    readings = least(lambda text, _: parse(text), chosen)
    tell(f"a reply is {answers / readings:.4f} of one parse of the same query")
    assert answers < readings / 10


def parses(text: str) -> bool:
    from duckdb_kql import KqlError, parse

    try:
        parse(text)
    except KqlError:
        return False
    return True


def least(act: Callable[[str, Typed], object], chosen: list[tuple[str, Typed]]) -> float:
    """The time that some places take together, the faster of two runs each."""
    return sum(min(timed(act, *place) for _ in range(2)) for place in chosen)


def timed(act: Callable[[str, Typed], object], text: str, word: Typed) -> float:
    start = time.perf_counter()
    act(text, word)
    return time.perf_counter() - start


def test_every_cut_of_200_queries_is_answered(corpus: list[dict[str, Any]]) -> None:
    short = [query["query"] for query in corpus if len(query["query"]) < 350]
    asked = OurService()
    for text in random.Random(SEED).sample(short, 200):  # noqa: S311 - the same queries each time
        for cut in range(len(text) + 1):
            found = asked.complete(text[:cut], cut, SCHEMA)
            assert 0 <= found.start <= found.end <= cut
            if cut % 10 == 0:
                asked.hover(text, cut, SCHEMA)
                asked.diagnose(text[:cut], SCHEMA)


def test_a_query_that_binds_has_no_fault(corpus: list[dict[str, Any]], service: LanguageService) -> None:
    bound = [query for query in corpus if query["ref_semantic_ok"]]
    assert len(bound) > 1_800
    faults = {query["id"]: service.diagnose(query["query"], SCHEMA) for query in bound}
    assert {name: found for name, found in faults.items() if found} == {}


def test_most_slips_of_one_letter_are_told(corpus: list[dict[str, Any]], service: LanguageService) -> None:
    told = 0
    slips = [
        (text, word)
        for text, word in places(corpus, 1_200)
        if len(word.text) > 4 and not service.diagnose(text, SCHEMA)
    ][:250]
    for text, word in slips:
        at = word.start + len(word.text) // 2
        told += any(
            fault.start == word.start for fault in service.diagnose(text[:at] + text[at + 1 :], SCHEMA)
        )
    tell(f"slips told: {told / len(slips):.1%}")
    assert told / len(slips) > 0.7
