"""Functions of the embedded engine that run in Python: compressed texts, and what holds for all of them."""

from __future__ import annotations

import gzip
import zlib
from base64 import b64decode
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kqlmagic_ext import Query, connect
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (
            "gzip_decompress_from_base64_string('H4sIAAAAAAAA/wEUAOv/MTIzNDU2Nzg5MHF3ZXJ0eXVpb3A6m7f2FAAAAA==')",
            "1234567890qwertyuiop",
        ),
        ("gzip_decompress_from_base64_string('no base64')", ""),
        ("gzip_decompress_from_base64_string('MTIz')", ""),
        ("zlib_decompress_from_base64_string('')", ""),
        ("zlib_decompress_from_base64_string(zlib_compress_to_base64_string('it\\'s é'))", "it's é"),
        ("isempty(gzip_compress_to_base64_string(''))", True),
    ],
)
def test_compressed_texts_are_read_and_broken_ones_are_empty(opened: Open, call: str, expected: str) -> None:
    assert answer(opened("local://"), f"print {call}") == [(expected,)]


@settings(max_examples=30)
@given(st.text(min_size=1))
def test_what_is_compressed_is_what_the_format_says(text: str) -> None:
    connection = connect("local://")
    try:
        question = "print gzip_compress_to_base64_string(x), zlib_compress_to_base64_string(x)"
        ((packed, deflated),) = connection.run(Query(question, {"x": text})).frame.itertuples(index=False)
    finally:
        connection.close()
    assert gzip.decompress(b64decode(packed)).decode() == text
    assert zlib.decompress(b64decode(deflated)).decode() == text


def test_a_function_in_python_answers_in_columns_lists_and_other_functions(opened: Open) -> None:
    rows = answer(
        opened("local://"),
        "datatable(a: dynamic) [dynamic('x'), dynamic(null), dynamic('x')] "
        "| extend z = toupper(zlib_decompress_from_base64_string(zlib_compress_to_base64_string(a))) "
        "| mv-apply part = pack_array(z, 'w') to typeof(string) on "
        "(summarize all = make_list(gzip_decompress_from_base64_string(gzip_compress_to_base64_string(part)))) "
        "| project all",
    )
    assert rows == [(["X", "w"],), (["", "w"],), (["X", "w"],)]
