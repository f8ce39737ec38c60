"""Texts in other codings: compressed and in base64."""

from __future__ import annotations

import base64
import zlib

from kqlmagic_ext.connections.local.functions.in_python import add_in_python

_GZIP, _ZLIB = 31, 15  # zlib's window bits: with gzip's header, with its own


def _compressed(bits: int, text: str | None) -> str | None:
    if not text:
        return None
    engine = zlib.compressobj(wbits=bits)
    return base64.b64encode(engine.compress(text.encode()) + engine.flush()).decode("ascii")


def _decompressed(bits: int, text: str | None) -> str:
    """The text; empty for what is no base64, not compressed, or no UTF-8."""
    try:
        return zlib.decompress(base64.b64decode(text or "", validate=True), bits).decode()
    except (ValueError, zlib.error):
        return ""


def install() -> None:
    """Put them among duckdb-kql's."""
    for name, bits in (("gzip", _GZIP), ("zlib", _ZLIB)):
        add_in_python(
            f"{name}_compress_to_base64_string",
            {1: lambda text, bits=bits: _compressed(bits, text)},
            takes=("VARCHAR",),
            gives="VARCHAR",
            texts=(0,),
        )
        add_in_python(
            f"{name}_decompress_from_base64_string",
            {1: lambda text, bits=bits: _decompressed(bits, text)},
            takes=("VARCHAR",),
            gives="VARCHAR",
            texts=(0,),
        )
