"""What Tab costs: at a cold place, while typing on, and against one parse of the same query.

`python -m tests.benchmarks.typing [QUERIES.jsonl]`; the queries are those of the completion tests unless others are named.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from kqlmagic_ext.kql import known_tables as known
from kqlmagic_ext.kql.language_service import LanguageService
from kqlmagic_ext.kql.tokens import tokens
from tests.kql import corpus
from tests.kql.test_completion_corpus import PLACES, SCHEMA, is_offered, least, parses, places, timed
from tests.kql.test_language_service import SERVICES

Times = list[float]


def quantiles(name: str, seconds: Times) -> None:
    cuts = statistics.quantiles(seconds, n=100)
    print(
        f"{name:<42} p50 {cuts[49] * 1e3:8.2f} ms   p95 {cuts[94] * 1e3:8.2f} ms   most {max(seconds) * 1e3:8.2f} ms"
    )


def reply(service: LanguageService, text: str, cut: int) -> float:
    return timed_call(lambda: service.complete(text[:cut], cut, SCHEMA))


def main() -> None:
    if len(sys.argv) > 1:
        corpus.QUERIES = Path(sys.argv[1])
    unpacking = timed_call(known.unpacked.__wrapped__)
    print(f"{len(SCHEMA.tables):,} tables unpacked in {unpacking * 1e3:.0f} ms")
    chosen = places(corpus.queries(), PLACES)
    for name, make in SERVICES.items():
        measure(make(), name, chosen)
    quantiles(
        "the tokens of the whole query",
        [timed(lambda text, _: list(tokens(text)), *place) for place in chosen],
    )


def measure(service: LanguageService, name: str, chosen: list[tuple[str, corpus.Typed]]) -> None:
    reply(service, "T", 1)  # reads the facts of the language
    cold = [reply(service, text, word.start + 2) for text, word in chosen]
    quantiles(f"{name}: a cold place", cold)
    warm = []
    for text, word in chosen:
        reply(service, text, word.start + 1)
        warm.append(reply(service, text, word.start + 2))
    quantiles(f"{name}: typing on", warm)
    hovers = [
        timed(lambda text, word: service.hover(text, word.start + 1, SCHEMA), *place) for place in chosen
    ]
    quantiles(f"{name}: hover", hovers)
    checks = [timed(lambda text, _: service.diagnose(text, SCHEMA), *place) for place in chosen[:500]]
    quantiles(f"{name}: diagnostics", checks)
    against_a_parse(service, name, chosen)


def timed_call(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def against_a_parse(service: LanguageService, name: str, chosen: list[tuple[str, corpus.Typed]]) -> None:
    from duckdb_kql import parse

    some = [place for place in random.Random(1).sample(chosen, 120) if parses(place[0])]  # noqa: S311 - the same each time
    replies = least(
        lambda text, word: is_offered(service, text, word), some
    )  # first: a parse leaves much garbage
    readings = [timed(lambda text, _: parse(text), *place) for place in some]
    quantiles("one duckdb_kql parse", readings)
    print(f"{name}: a reply : one parse of the same query = {replies / sum(readings):.4f}")


if __name__ == "__main__":
    main()
