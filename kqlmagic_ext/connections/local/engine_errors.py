"""What DuckDB says of a query that it cannot run, as our errors: in the words of KQL, with a place where one is known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kqlmagic_ext.errors import QueryError
from kqlmagic_ext.kql.parameters import RESERVED
from kqlmagic_ext.kql.tokens import code
from kqlmagic_ext.kql.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kqlmagic_ext.connections.local.diagnosis import Source

_MISSING_COLUMN = re.compile(
    r"""Referenced column "(?P<name>(?:[^"]|"")*)" (?:was )?not found"""
    r"""|(?:Column|Alias with name) "+(?P<later>[^"]*)"+ (?:referenced that )?exists"""
    r'''|does not have a column named "(?P<joined>[^"]*)"'''
)
_SOURCE_COLUMN = re.compile(r" when casting from source column (?P<name>.+)$")
_WORDS = {
    "VARCHAR[]": "dynamic",
    "VARCHAR": "string",
    "STRING_LITERAL": "string",
    "BIGINT": "long",
    "INT64": "long",
    "INTEGER_LITERAL": "long",
    "INTEGER": "int",
    "INT32": "int",
    "DOUBLE": "real",
    "BOOLEAN": "bool",
    "TIMESTAMP": "datetime",
    "INTERVAL": "timespan",
    "UUID": "guid",
    "JSON[]": "dynamic",
    "JSON": "dynamic",
}
_TYPE = re.compile("|".join(rf"\b{re.escape(word)}(?!\w)" for word in _WORDS))
_NO_FUNCTION = re.compile(r"No function matches the given name and argument types '(?P<call>.*)'\.")
_NO_SUM = re.compile(r"Macro kql_(?P<name>\w+)\(\) does not support")
_PAST_LONG = re.compile(r"Type INT128 with value (?P<value>-?\d+) can't be cast .* INT64")
# What RE2 says of a pattern, which it repeats from the wrong part on.
_REGEX = re.compile(
    r"(?P<why>missing \)|missing \]|unexpected \)|no argument for repetition operator|bad repetition operator|invalid "
    r"(?:escape sequence|character class range|character class|perl operator|repetition size|named capture group)"
    r"|trailing \\ at end of regexp): ?(?P<part>.*)$",
    re.MULTILINE,
)
_NO_CHOICE = re.compile(r'Could not choose a best candidate function for the function call "(?P<call>.*?)"\.')


def engine_error(error: Exception, source: Source, tables: Mapping[str, Mapping[str, str]]) -> QueryError:
    """DuckDB's error as ours: an unknown column by its name, types that do not fit in KQL's words, else its first line."""
    text = str(error).replace(RESERVED, "")
    if match := _MISSING_COLUMN.search(text):
        name = (match["name"] or match["later"] or match["joined"]).replace('""', '"')
        return _missing_column(name, tables, source)
    if match := _NO_FUNCTION.search(text) or _NO_CHOICE.search(text):
        return QueryError(
            f"the types do not fit: {_in_kql(match['call'])}",
            hint="convert one, as by tostring() or tolong()",
        )
    if match := _NO_SUM.search(text):
        said = f"the types do not fit: {match['name']}() takes numbers or timespans"
        return QueryError(said, hint="convert one, as by tolong() or todouble()")
    if match := _PAST_LONG.search(text):
        return QueryError(
            f"a long ends at {2**63 - 1}, and this is {match['value']}",
            hint="convert to real first, by todouble()",
        )
    if match := _REGEX.search(text):
        return _wrong_regex(match["why"], match["part"], source)
    first = text.split("\n", maxsplit=1)[0].partition(": ")
    said = first[2] or first[0]
    if match := _SOURCE_COLUMN.search(said):
        said, name = said[: match.start()], match["name"].strip('"')
        hint = f"convert {name}, as by tostring() or tolong()"
        return QueryError(f"{_in_kql(said)}, the column {name}", hint=hint, **source.named(name))
    memory = (
        "narrow the query, or give the connection more memory"
        if "OutOfMemory" in type(error).__name__
        else None
    )
    return QueryError(f"the embedded engine failed: {_in_kql(said)}", hint=memory)


def _wrong_regex(why: str, part: str, source: Source) -> QueryError:
    """The string of the query that holds the wrong part of a regular expression is where it stands."""
    strings = [word for word in code(source.text) if word.kind == "string"]
    found = [word.start for word in strings if part in word.text or part in word.text.replace("\\\\", "\\")]
    said = f"the regular expression is wrong: {why}" + (f" at {part!r}" if part else "")
    hint = "a backslash in front of a letter of the pattern makes it stand for itself"
    return QueryError(said, hint=hint, **source.place(found[0] if found and part else None))


def _in_kql(text: str) -> str:
    """The sentence with KQL's names of types instead of DuckDB's."""
    return _TYPE.sub(lambda match: _WORDS[match[0]], text)


def _missing_column(name: str, tables: Mapping[str, Mapping[str, str]], source: Source) -> QueryError:
    digits = re.search(rf"(?<![\w'\"]){re.escape(name)}(?![\w'\"])", source.text)
    if name[:1].isdigit() and digits:
        said = f"{name} is neither a number nor a name"
        hint = f"a timespan ends in d, h, m, s or ms; a column of that name is written ['{name}']"
        return QueryError(said, hint=hint, **source.place(digits.start()))
    columns = [column for table in tables.values() for column in table]
    for table in (name, RESERVED + name):
        if table in tables:
            hint = f"name the column too: in ({name} | project {next(iter(tables[table]))})"
            said = f"{name!r} is a table, and stands where a value is wanted"
            return QueryError(said, hint=hint, unknown=name, **source.named(table, last=True))
    if name in columns or _is_made(name, source.text):
        said = f"the column {name!r} is not here: an operator before this place dropped it, or only another table has it"
        return QueryError(said, unknown=name, **source.named(name, last=True))
    near = did_you_mean(name, columns)
    return QueryError(f"there is no column {name!r}", hint=near, unknown=name, **source.named(name))


def _is_made(name: str, text: str) -> bool:
    """Whether the text gives something that name, as in `extend name = …`."""
    words = [word.text for word in code(text)]
    return any(
        words[at : at + 2] == [name, "="] and words[at + 2] not in "=~" for at in range(len(words) - 2)
    )
