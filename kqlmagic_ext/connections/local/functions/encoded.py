"""Texts in other codings: base64, compressed, in a URL, as code points, in Punycode."""

from __future__ import annotations

import base64
import json
import re
import uuid
import zlib
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from kqlmagic_ext.connections.local.functions.forms import add_of_any_number
from kqlmagic_ext.connections.local.functions.in_python import add_in_python, python_sql

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST = 64 << 20  # a text of a log may be made to unpack to gigabytes
_GZIP, _ZLIB = 31, 15  # zlib's window bits: with gzip's header, with its own
_DOTS = re.compile("[.\u3002\uff0e\uff61]")  # what IDNA takes for the dot between labels


def _compressed(bits: int, text: str | None) -> str | None:
    if not text:
        return None
    engine = zlib.compressobj(wbits=bits)
    return base64.b64encode(engine.compress(text.encode()) + engine.flush()).decode("ascii")


def _decompressed(bits: int, text: str | None) -> str:
    """The text; empty for what is no base64, not compressed, no UTF-8, or more than 64 MB."""
    try:
        engine = zlib.decompressobj(bits)
        unpacked = engine.decompress(base64.b64decode(text or "", validate=True), _MOST)
        return unpacked.decode() if engine.eof else ""
    except (ValueError, zlib.error):
        return ""


def _bytes_of(text: str | None) -> str | None:
    """The bytes behind base64, as an array; null for what is none."""
    return None if text is None else json.dumps(list(base64.b64decode(text, validate=True)))


def _from_bytes(array: str | None) -> str:
    """Base64 of an array of bytes; empty for anything else."""
    try:
        return base64.b64encode(bytes(json.loads(array or "null"))).decode("ascii")
    except (ValueError, TypeError):
        return ""


def _from_guid(text: str | None) -> str:
    return base64.b64encode(uuid.UUID(text).bytes_le).decode("ascii") if text else ""


def _from_code_points(arguments: str | None) -> str:
    """The text of code points, which are numbers or arrays of them; what is none is left out."""
    points: list[object] = []
    for value in json.loads(arguments or "[]"):
        points += value if isinstance(value, list) else [value]
    return "".join(
        chr(point)
        for point in points
        if isinstance(point, int)
        and not isinstance(point, bool)
        and 0 <= point <= 0x10FFFF  # noqa: PLR2004 - Unicode's last
        and not 0xD800 <= point <= 0xDFFF  # noqa: PLR2004 - surrogates are no characters
    )


def _to_punycode(text: str | None) -> str:
    return (text or "").encode("punycode").decode("ascii").removesuffix("-")


def _from_punycode(text: str | None) -> str:
    """The text behind Punycode; empty for what is none."""
    try:
        return (text or "").encode("ascii").decode("punycode")
    except UnicodeError:
        return ""


def _domain(label: Callable[[str], str], text: str | None) -> str:
    """A domain with each label changed; empty where one of them cannot be."""
    labels = _DOTS.split(text or "")
    changed = [label(each) for each in labels]
    return (
        ""
        if any(before and not after for before, after in zip(labels, changed, strict=True))
        else ".".join(changed)
    )


def _label_to_punycode(label: str) -> str:
    return label if label.isascii() else f"xn--{_to_punycode(label)}"


def _label_from_punycode(label: str) -> str:
    return _from_punycode(label[4:]) if label.lower().startswith("xn--") else label


def _add_texts(names: dict[str, Callable[[str | None], str | None]]) -> None:
    for name, call in names.items():
        add_in_python(name, {1: call}, takes=("VARCHAR",), gives="VARCHAR", texts=(0,))


def install() -> None:
    """Put them among duckdb-kql's."""
    for name, bits in (("gzip", _GZIP), ("zlib", _ZLIB)):
        _add_texts(
            {
                f"{name}_compress_to_base64_string": partial(_compressed, bits),
                f"{name}_decompress_from_base64_string": partial(_decompressed, bits),
            }
        )
    _add_texts(
        {
            "base64_encode_fromguid": _from_guid,
            "punycode_from_string": _to_punycode,
            "punycode_to_string": _from_punycode,
            "punycode_domain_to_string": partial(_domain, _label_to_punycode),  # the reference names them so
            "punycode_domain_from_string": partial(_domain, _label_from_punycode),
            "url_encode": lambda text: None if text is None else quote(text, safe="/:?#[]@!$&'()*+,;="),
            "url_encode_component": lambda text: None if text is None else quote(text, safe=""),
        }
    )
    add_in_python("base64_decode_toarray", {1: _bytes_of}, takes=("VARCHAR",), gives="dynamic", texts=(0,))
    add_in_python("base64_encode_fromarray", {1: _from_bytes}, takes=("VARCHAR",), gives="VARCHAR")
    points = python_sql("unicode_codepoints_to_string", _from_code_points, ("VARCHAR",), "VARCHAR")
    add_of_any_number(
        "unicode_codepoints_to_string",
        lambda args: f"{points}(CAST(json_array({', '.join(args)}) AS VARCHAR))",
    )
