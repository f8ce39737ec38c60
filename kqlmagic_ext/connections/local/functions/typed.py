"""`extract(…, typeof(long))` and `extractjson(…, typeof(long))`: the text that is found, converted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kqlmagic_ext.connections.local.private_copy import errors, ir, lower
from kqlmagic_ext.connections.local.rewriting import OF_TYPE

_ARGUMENTS = {"extract": 3, "extractjson": 2, "extract_json": 2}
_CONVERSIONS = {
    "bool": "tobool", "boolean": "tobool", "int": "toint", "long": "tolong", "real": "toreal", "double": "toreal",
    "decimal": "todecimal", "datetime": "todatetime", "date": "todatetime", "timespan": "totimespan", "time": "totimespan",
    "guid": "toguid",
}  # fmt: skip


def typed(call: Any) -> Any:
    """The call without its type, in a call of the function that converts to it."""
    count = _ARGUMENTS.get(call.name) if isinstance(call, ir.FunctionCall) else None
    if count is None or len(call.args) <= count:
        return call
    wanted = call.args[count]
    of_type = str(wanted.value) if isinstance(wanted, ir.Literal) and wanted.kind == "string" else ""
    conversion = _CONVERSIONS.get(of_type.removeprefix(OF_TYPE)) if of_type.startswith(OF_TYPE) else None
    if conversion is None:
        raise errors.KqlUnsupportedError(f"function:{call.name}")
    return ir.FunctionCall(conversion, (replace(call, args=call.args[:count]),))


def install() -> None:
    """Put it behind the reading of a call."""
    reads_call = lower._lower_function_call
    lower._lower_function_call = lambda node: typed(reads_call(node))
