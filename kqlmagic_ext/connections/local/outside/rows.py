"""The rows of what `externaldata` read: delimited text by the order of the columns, JSON by their names."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.errors import QueryError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kqlmagic_ext.connections.local.outside import Outside

    Row = list[str | None]

_DELIMITERS = {"csv": ",", "tsv": "\t", "tsve": "\t", "psv": "|", "scsv": ";", "sohsv": "\x01"}
_LINES = ("txt", "raw")
_JSON = ("json", "multijson", "singlejson", "ndjson", "jsonl")
_MOST = 1 << 30
_PACKED = (".gz", ".zip")
_KNOWN = ("format", "ignorefirstrecord")
_LIMIT = (1 << 31) - 1


def rows(outside: Outside, address: str, content: bytes) -> Iterator[Row]:
    """Each record as texts, a column each; None where it has none.

    Raises
    ------
    QueryError
        For what is not of its format, or no UTF-8.
    UnsupportedError
        For a format that is not there.
    """
    for name in outside.properties:
        if name not in _KNOWN:
            raise UnsupportedError(f"externaldata has no property {name} here", construct="externaldata")
    form = _form(outside, address)
    shown = _name(address)
    try:
        text = _unpacked(content).decode("utf-8-sig")
        if form in _JSON:
            yield from _json_rows(text, list(outside.columns))
        else:
            records = iter(_lines(text) if form in _LINES else _delimited(text, _DELIMITERS[form]))
            if outside.properties.get("ignorefirstrecord", "").lower() == "true":
                next(records, None)
            yield from _fitted(records, len(outside.columns))
    except (UnicodeDecodeError, csv.Error, ValueError, zlib.error, zipfile.BadZipFile, EOFError) as error:
        raise QueryError(f"{shown} cannot be read as {form}: {error}") from error


def _name(address: str) -> str:
    """The last part of an address, without what may be a secret behind it."""
    return address.partition("?")[0].partition(";")[0].rsplit("/", 1)[-1] or "the answer"


def _form(outside: Outside, address: str) -> str:
    name = _name(address).lower()
    for ending in _PACKED:
        name = name.removesuffix(ending)
    form = outside.properties.get("format", "").lower() or name.rpartition(".")[2]
    if "format" not in outside.properties and form not in (*_DELIMITERS, *_LINES, *_JSON):
        form = "csv"
    if form not in (*_DELIMITERS, *_LINES, *_JSON):
        raise UnsupportedError(
            f"externaldata reads no {form} here",
            construct="externaldata",
            hint="csv, tsv, psv, scsv, txt, json and multijson are read; or read it by pandas and give it by -i",
        )
    return form


def _unpacked(content: bytes) -> bytes:
    if content.startswith(b"\x1f\x8b"):
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            return _limited(packed.read(_MOST + 1))
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            first, *rest = archive.namelist()
            if rest:
                raise ValueError(f"the archive holds {len(rest) + 1} files")
            with archive.open(first) as packed:
                return _limited(packed.read(_MOST + 1))
    return content


def _limited(content: bytes) -> bytes:
    if len(content) > _MOST:
        raise ValueError(f"it unpacks to more than {_MOST >> 20:,} MB")
    return content


def _lines(text: str) -> Iterator[Row]:
    for line in io.StringIO(text):
        yield [line.rstrip("\r\n")]


def _delimited(text: str, delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(_LIMIT)
    yield from filter(None, csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def _fitted(records: Iterable[Row], width: int) -> Iterator[Row]:
    """Each record with as many values as there are columns: what is missing is none, what is more is not asked for."""
    for record in records:
        yield (record + [None] * (width - len(record)))[:width]


def _json_rows(text: str, names: list[str]) -> Iterator[Row]:
    for record in _records(text):
        if not isinstance(record, dict):
            raise ValueError("a record is no object")  # noqa: TRY004 - it becomes the sentence of the file
        yield [_json_text(record.get(name)) for name in names]


def _records(text: str) -> Iterator[Any]:
    """The objects of a text: one behind the other, or in an array."""
    decoder, at, end = json.JSONDecoder(), 0, len(text)
    while True:
        while at < end and text[at] in " \t\r\n,":
            at += 1
        if at == end:
            return
        value, at = decoder.raw_decode(text, at)
        yield from value if isinstance(value, list) else [value]


def _json_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)
