"""Functions over texts, from the reference's text: null, empty, unicode, broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from kqlmagic_ext import QueryError, UnsupportedError
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]


def plain(value: Any) -> Any:
    """A cell as a test writes it: no value is None, and a scalar of numpy is Python's."""
    if value is None or value is pd.NA:
        return None
    return value.item() if hasattr(value, "item") else value


def first(connection: LocalConnection, call: str) -> Any:
    ((value,),) = answer(connection, f"print {call}")
    return plain(value)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("base64_decode_toarray('S3VzdG8=')", [75, 117, 115, 116, 111]),
        ("base64_decode_toarray('no base64')", None),
        ("base64_encode_fromarray(dynamic([75, 117, 115, 116, 111]))", "S3VzdG8="),
        ("base64_encode_fromarray(dynamic([75, 256]))", ""),
        ("base64_encode_fromarray(dynamic('x'))", ""),
        (
            "base64_encode_fromguid(toguid('ae3133f2-6e22-49ae-b06a-16e6a9b212eb'))",
            "8jMxriJurkmwahbmqbIS6w==",
        ),
        ("unicode_codepoints_to_string(dynamic([75, 117]), 9382)", "Ku⒦"),
        ("unicode_codepoints_to_string(dynamic([]))", ""),
        ("punycode_from_string('académie-française')", "acadmie-franaise-npb1a"),
        ("punycode_to_string('acadmie-franaise-npb1a')", "académie-française"),
        ("punycode_to_string('é')", ""),
        ("punycode_domain_from_string('xn--Ge-mia.Bulg.edu')", "Gáe.Bulg.edu"),
        ("punycode_domain_to_string('')", ""),
        ("url_encode('a b/é?x=1')", "a%20b/%C3%A9?x=1"),
        ("url_encode_component('a b/é')", "a%20b%2F%C3%A9"),
    ],
)
def test_texts_cross_into_other_codings_and_back(opened: Open, call: str, expected: Any) -> None:
    assert first(opened("local://"), call) == expected


def path(*parts: str) -> dict[str, str]:
    names = (
        "Scheme", "RootPath", "DirectoryPath", "DirectoryName", "Filename", "Extension", "AlternateDataStreamName",
    )  # fmt: skip
    return dict(zip(names, parts, strict=True))


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (r"parse_csv('aa,\"b,b\",\"say \"\"é\"\"\",\"one\ntwo\"')", ["aa", "b,b", 'say "é"', "one\ntwo"]),
        ("parse_csv('record1,a\\nrecord2,x')", ["record1", "a"]),
        ("parse_path(@'C:\\temp\\file.txt')", path("", "C:", "C:\\temp", "temp", "file.txt", "txt", "")),
        ("parse_path(@'temp\\file.txt')", path("", "", "temp", "temp", "file.txt", "txt", "")),
        (
            "parse_path('file://C:/temp/file.txt:some.exe')",
            path("file", "C:", "C:/temp", "temp", "file.txt", "txt", "some.exe"),
        ),
        (
            "parse_path(@'\\\\shared\\users\\temp\\file.txt.gz')",
            path("", "", "\\\\shared\\users\\temp", "temp", "file.txt.gz", "gz", ""),
        ),
        (
            "parse_path('/usr/lib/temp/file')",
            path("", "", "/usr/lib/temp", "temp", "file", "", ""),
        ),
        ("parse_version('0.0.0.5')", 5),
        ("parse_version('1.2') == parse_version('1.2.0.0')", True),
        ("parse_version('1.10') > parse_version('1.9')", True),
        ("parse_version('99999999.99999999.99999999.99999999')", 10**32 - 1),
        ("isnull(parse_version('1.2.3.4.5'))", True),
        ("isnull(parse_version('')) and isnull(parse_version('1.a'))", True),
        ('parse_command_line(\'echo "hello world!" a\', "windows")', ["echo", "hello world!", "a"]),
        (r"""parse_command_line(@'x "a\\" b\"c d\e "" ', 'windows')""", ["x", "a\\", 'b"c', "d\\e", ""]),
        ("parse_command_line('echo', 'linux')", None),
        ("parse_xml('<e/>')", {"e": None}),
        ("parse_xml('<e>text</e>')", {"e": "text"}),
        ("parse_xml('<e name=\"v\">text</e>')", {"e": {"@name": "v", "#text": "text"}}),
        ("parse_xml('<e> <a>1</a> <a>2</a><b x=\"é\"/> </e>')", {"e": {"a": ["1", "2"], "b": {"@x": "é"}}}),
        ("parse_xml('<e>text<a>1</a></e>')", {"e": {"#text": "text", "a": "1"}}),
        ("parse_xml('<e>')", None),
        ("parse_xml('')", None),
        ("parse_xml('<!DOCTYPE e [<!ENTITY a \"b\">]><e>&a;</e>')", None),
    ],
)
def test_texts_with_parts_are_taken_apart(opened: Open, call: str, expected: Any) -> None:
    assert first(opened("local://"), call) == expected


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("hash('World')", 1846988464401551951),
        ("hash_xxhash64('World', 100)", 51),
        ("hash(datetime(2015-01-01))", 1380966698541616202),
        ("hash('')", -1205034819632174695),
        ("hash(repeat)", -4817490834995532950),
        ("isnull(hash(datetime(null)))", True),
        ("hash(repeat, 0)", None),
    ],
)
def test_hash_is_xxhash64(opened: Open, call: str, expected: Any) -> None:
    text = f"print repeat = strrep('é1234', 20) | project {call}"
    ((value,),) = answer(opened("local://"), text)
    assert plain(value) == expected


def test_a_hash_of_a_type_that_the_reference_does_not_show_is_refused(opened: Open) -> None:
    with pytest.raises(QueryError, match="string and datetime alone"):
        answer(opened("local://"), "print hash(1.5)")


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("indexof('abcdefg', 'cde')", 2),
        ("indexof('abcdefg', 'cde', 1, 4)", 2),
        ("indexof('abcdefg', 'cde', 1, 2)", -1),
        ("indexof('abcdefg', 'cde', 3, 4)", -1),
        ("indexof('abcdefg', 'cde', -5)", 2),
        ("indexof(1234567, 5, 1, 4)", 4),
        ("indexof('abcdefg', 'cde', 2, -1)", 2),
        ("indexof('abcdefgabcdefg', 'cde', 1, 10, 2)", 9),
        ("indexof('abcdefgabcdefg', 'cde', 1, -1, 3)", -1),
        ("indexof('', 'a')", -1),
        ("indexof('é⒦x', 'x')", 2),
        ("indexof('aXa', 'a', 0, -2)", None),
        ("indexof(dynamic('abc'), 'c')", 2),
        ("translate('abc', 'x', 'abc')", "xxx"),
        ("translate('abc', '', 'ab')", ""),
        ("translate('krasp', 'otsku', 'spark')", "kusto"),
        (
            "replace_strings('a cat into a dog', dynamic(['cat', 'dog']), dynamic(['dog', 'pigeon']))",
            "a dog into a pigeon",
        ),
        ("replace_strings('This is', dynamic(['is', 'This']), dynamic(['was', 'This']))", "Thwas was"),
        ("replace_strings('This is', dynamic(['This', 'is']), dynamic(['This', 'was']))", "This was"),
        ("replace_strings('This is', dynamic(['This', 'is']), dynamic([1, 'was']))", "This was"),
        ("replace_strings('a1b', dynamic([1, 'b']), dynamic(['x', '']))", "a1"),
        ("extractall(@'(\\d)', 'a1b2')", ["1", "2"]),
    ],
)
def test_texts_are_searched_and_replaced(opened: Open, call: str, expected: Any) -> None:
    assert first(opened("local://"), call) == expected


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("isnull(make_datetime(2020, 13, 1))", True),
        ("isnull(make_datetime(2021, 2, 29, 1, 2, 3))", True),
        ("make_datetime(2020, 2, 29) == datetime(2020-02-29)", True),
        ("make_datetime(2020, 2, 29, 1, 2, 3.5) == datetime(2020-02-29 01:02:03.5)", True),
        ("make_datetime(2020, 2, 29) + 1d == datetime(2020-03-01)", True),
        ("base64_encode_tostring('é⒦')", "w6nikqY="),
        ("base64_decode_tostring(base64_encode_tostring(@'\\x41'))", "\\x41"),
    ],
)
def test_what_does_not_exist_is_null_and_what_does_is_exact(opened: Open, call: str, expected: Any) -> None:
    assert first(opened("local://"), call) == expected


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (r"strlen('\u0022\x27\x5c')", 3),
        (r"'caf\u00e9 \x41\U0001f600'", "café A😀"),
        (r"'\\u00e9'", "\\u00e9"),
        (r"@'\u00e9'", "\\u00e9"),
        ("parse_json('{bad')", "{bad"),
        ("gettype(parse_json('abc'))", "string"),
        ("isnull(parse_json(''))", True),
        ("parse_json('{\"a\": [1]}').a[0]", 1),
        ("tostring(parse_json('abc'))", "abc"),
    ],
)
def test_coded_letters_and_what_is_no_json_are_texts(opened: Open, call: str, expected: Any) -> None:
    assert first(opened("local://"), call) == expected


def test_half_of_a_pair_is_refused(opened: Open) -> None:
    with pytest.raises(UnsupportedError, match="cannot read this"):
        answer(opened("local://"), r"print '\ud83d'")


def test_a_guid_of_base64_is_refused_as_the_reference_contradicts_itself_on_its_bytes(opened: Open) -> None:
    with pytest.raises(UnsupportedError, match="base64_decode_toguid"):
        answer(opened("local://"), "print base64_decode_toguid('JpbpECu8dUy7Pv5gbeJXAA==')")
