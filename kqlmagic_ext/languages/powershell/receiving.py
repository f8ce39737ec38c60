"""A value on its way from PowerShell: whole, or refused with the reason."""

from __future__ import annotations

import base64
import binascii
import json
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.frames import read_envelope
from kqlmagic_ext.languages.powershell.find import TITLE, failed
from kqlmagic_ext.languages.powershell.starting import LIMITS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kqlmagic_ext.errors import LanguageError

    Envelope = dict[str, Any]

_SURE_DIGITS = 15  # a double keeps every decimal number of so many digits
_MOST_DIGITS = 17  # of a double that is written out, also by old ways of writing


class _Rounded(float):
    """A number that lost digits when it became a float."""

    __slots__ = ("digits",)
    digits: str


def parsed(data: bytes, name: str, *, shortest: bool) -> Envelope:
    """The envelope of a data file. `shortest`: numbers are written as short as they can be, as .NET Core does.

    Raises LanguageError when it is none, or says one name twice.
    """

    def number(text: str) -> float:
        plain = float(text)
        if len(text) > _SURE_DIGITS and _is_changed(text, plain, shortest=shortest):
            plain = _Rounded(plain)
            plain.digits = text
        return plain

    def members(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        if len(found := dict(pairs)) < len(pairs):
            [(twice, _)] = Counter(key for key, _ in pairs).most_common(1)
            raise failed(f"${name} holds two entries named {twice!r} in one dictionary; keep one of them")
        return found

    try:
        envelope = json.loads(data, parse_float=number, object_pairs_hook=members)
    except (ValueError, RecursionError) as error:  # bad UTF-8 is a ValueError, too
        raise failed(f"${name} did not come whole from {TITLE}: {error}") from error
    if not isinstance(envelope, dict) or envelope.get("kind") not in ("table", "value"):
        raise failed(f"${name} did not come from {TITLE} as a table or a value")
    return envelope


def _is_changed(text: str, plain: float, *, shortest: bool) -> bool:
    exact = Decimal(text)
    if exact == Decimal(repr(plain)):
        return False
    return shortest or exact == exact.to_integral_value() or len(exact.as_tuple().digits) > _MOST_DIGITS


def raise_lost(lost: Mapping[str, int], name: str) -> None:
    """Raise LanguageError for what the bridge left out, since it is beyond the limits."""
    what = {
        "rows": f"has {lost['rows']:,} rows more than the {LIMITS['rows']:,} that cross; select or group first",
        "items": f"holds lists of more than {LIMITS['items']:,} items, which would be cut; give those as a table of their own",
        "depth": f"is nested deeper than {LIMITS['depth']} levels, or holds itself: what is deeper would become text;"
        " select the parts that you need, or give ConvertTo-Json of it",
    }
    for limit, sentence in what.items():
        if lost[limit]:
            raise failed(f"${name} {sentence}")


def read(envelope: Envelope, name: str) -> tuple[Any, tuple[str, ...]]:
    """The DataFrame or Python value of an envelope, and what the analyst should know.

    Raises LanguageError, naming the variable and its column, for what would change on the way.
    """
    where = f"${name}"
    if envelope["kind"] == "table":
        _check_digits(envelope, where)
    try:
        value, warnings = read_envelope(envelope, where)
        return _with_bytes(envelope, value), warnings
    except (ValueError, binascii.Error) as error:
        raise failed(str(error)) from error


def _check_digits(envelope: Envelope, where: str) -> None:
    """Raise for a number that became a double, since doubles stand beside it."""
    for position, column in enumerate(envelope["columns"]):
        lost = next((row[position] for row in envelope["rows"] if type(row[position]) is _Rounded), None)
        if lost is not None:
            raise _rounds(f"{where}[{column['name']!r}]", lost.digits)


def _rounds(where: str, digits: str) -> LanguageError:
    return failed(
        f"{where} mixes doubles with numbers that a double rounds, such as {digits}; make all of them [decimal] or text"
    )


def _with_bytes(envelope: Envelope, value: Any) -> Any:
    """Bytes where text stands for them."""
    import pandas as pd

    if envelope["kind"] == "value":
        is_bytes = "encoding" in envelope and envelope["value"] is not None
        return base64.b64decode(envelope["value"]) if is_bytes else value
    for position, column in enumerate(envelope["columns"]):
        if "encoding" in column:
            texts = (row[position] for row in envelope["rows"])
            plain = [None if text is None else base64.b64decode(text) for text in texts]
            value[column["name"]] = pd.Series(plain, dtype=object)
    return value
