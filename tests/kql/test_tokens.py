from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kqlmagic_ext.kql.tokens import (
    code,
    find_name,
    names_in,
    placeholders,
    placeholders_in_strings,
    position,
    split,
    tokens,
)

PIECES = [
    '"',
    "'",
    "@",
    "h",
    "```",
    "~~~",
    "//",
    "\n",
    "\\",
    "{{a}}",
    "|",
    ";",
    "(",
    ")",
    " ",
    "x",
    "1d",
    "é",
]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_the_tokens_together_are_the_text(text: str) -> None:
    assert "".join(token.text for token in tokens(text)) == text
    assert all(text[token.start : token.end] == token.text for token in tokens(text))


@pytest.mark.parametrize(
    "literal",
    [
        '"a"',
        "'a'",
        '"a\\"b"',
        "'a\\'b'",
        '@"a\\"',
        "@'C:\\'",
        '@"a""b"',
        'h"a"',
        "H'a'",
        'h@"a"',
        "```a\n'\"\n```",
        "~~~a~~~",
        '""',
        '"a',
    ],
)
def test_a_string_in_any_form_is_one_token(literal: str) -> None:
    assert [token.text for token in code(f"print x = {literal}")][3:] == [literal]
    assert [token.kind for token in code(f"print x = {literal}")][3:] == ["string"]


def test_a_comment_ends_with_its_line() -> None:
    assert [token.text for token in code("a // b | c\nd")] == ["a", "d"]
    assert [token.text for token in code("print 'http://x' | d")] == ["print", "'http://x'", "|", "d"]


def test_a_split_heeds_strings_comments_and_brackets() -> None:
    text = "a | b ('|' | c) | d // | e\n| [f | g]"
    assert [text[start:end].strip() for start, end in split(text, "|")] == [
        "a",
        "b ('|' | c)",
        "d // | e",
        "[f | g]",
    ]


def test_placeholders_stand_outside_strings_and_comments() -> None:
    text = "{{a}} '{{b}}' // {{c}}\n{{ d }} {{1}} {{e f}} {{{{g}}"
    assert [place.name for place in placeholders(text)] == ["a", "d", None, None, None]
    assert placeholders_in_strings(text) == ["b"]


def test_a_position_counts_lines_and_columns_from_one() -> None:
    assert position("ab\ncd", 0) == (1, 1)
    assert position("ab\ncd", 4) == (2, 2)


def test_a_name_is_found_bare_and_in_brackets_but_not_in_strings() -> None:
    assert find_name("print 'User' | where User == 1", "User") == 21
    assert find_name("T | where ['my col'] == 1", "my col") == 11
    assert find_name("print 'User' // User", "User") is None


def test_names_in_a_text_are_those_that_find_name_finds() -> None:
    text = "T | where a == 'b' and ['c d'] has \"e\" // f\n| extend g = h['i']"
    names = names_in(text)
    assert names >= {"T", "a", "c d", "g", "h", "i"}
    assert names.isdisjoint({"b", "e", "f"})
    assert all(find_name(text, name) is not None for name in names)
