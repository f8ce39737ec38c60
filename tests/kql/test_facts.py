"""The facts that typing knows: words of KQL and tables of Log Analytics."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from kqlmagic_ext.kql.known_tables import known_tables, packed
from kqlmagic_ext.kql.language_service.language import CALLED, Word, language, words
from kqlmagic_ext.kql.words import OPERATORS

WORDS = [word for kind in language().values() for word in kind.values()]


@pytest.mark.parametrize("word", WORDS, ids=lambda word: f"{word.kind}-{word.name}")
def test_each_word_has_a_signature_one_sentence_and_a_page(word: Word) -> None:
    assert word.signature.startswith(word.name)
    assert re.fullmatch(r"[A-Z0-9e-].*\.", word.sentence)
    assert re.fullmatch(r"https://learn\.microsoft\.com/[a-z0-9/-]+", word.address)


def test_every_operator_that_we_know_is_described() -> None:
    assert [name for name in OPERATORS if name not in language()["operator"]] == []


def test_the_functions_that_the_embedded_engine_runs_are_described() -> None:
    from duckdb_kql.translate.functions import AGGREGATE_FUNCTIONS, SCALAR_FUNCTIONS

    known = words(*CALLED, "keyword", "infix")
    missing = {
        name for name in {*SCALAR_FUNCTIONS, *AGGREGATE_FUNCTIONS} if name not in known and name[0] != "_"
    }
    assert missing == set()


def test_addresses_follow_from_names() -> None:
    address = {name: language()[kind][name].address.rpartition("/")[2] for kind, name in (
        ("function", "array_length"), ("aggregate", "arg_max"), ("operator", "mv-expand"), ("infix", "!has"),
        ("infix", "in~"), ("infix", "in"), ("infix", "matches regex"), ("plugin", "bag_unpack"), ("function", "iif"),
    )}  # fmt: skip
    assert address == {
        "array_length": "array-length-function", "arg_max": "arg-max-aggregation-function",
        "mv-expand": "mv-expand-operator", "!has": "not-has-operator", "in~": "in-operator", "in": "in-cs-operator",
        "matches regex": "matches-regex-operator", "bag_unpack": "bag-unpack-plugin", "iif": "iff-function",
    }  # fmt: skip


def test_the_tables_are_those_of_log_analytics() -> None:
    tables = known_tables()
    assert len(tables) == 1_960
    assert tables["SigninLogs"]["TimeGenerated"] == "datetime"
    assert sum(len(columns) for columns in tables.values()) == 65_144
    with pytest.raises(KeyError):
        tables["NoSuchTable"]


def test_tables_of_defender_carry_a_timestamp_for_hunting_alone() -> None:
    lacking = next(
        name
        for name in known_tables()
        if name.startswith("Device") and "Timestamp" not in known_tables()[name]
    )
    assert known_tables(hunting=True)[lacking]["Timestamp"] == "datetime"
    assert "Timestamp" not in known_tables(hunting=True)["SigninLogs"]


def test_packing_the_tables_again_gives_the_same_file() -> None:
    stored = files("kqlmagic_ext.kql").joinpath("known_tables.txt.gz").read_bytes()
    assert packed(known_tables()) == stored
