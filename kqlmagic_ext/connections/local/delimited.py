"""CSV and TSV files, read in place by DuckDB after every line was looked at here.

DuckDB guesses a ragged file into one column, and past a badly quoted row it drops the rows that follow, both without a
word. So the delimiter comes from the file's ending, every row's width is checked first, and a file with broken
rows is refused unless they were allowed, when the sound rows are read from a copy.
"""

from __future__ import annotations

import csv
import gzip
import sys
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from kqlmagic_ext.connections.local.sql import quote_name, quote_path, quote_text
from kqlmagic_ext.connections.local.text_columns import TextRows
from kqlmagic_ext.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_UTC_MARK = " [UTC]"
_SHOWN_LINES = 3
_STRIDE = 1000
_MIN_LINE_SIZE = 2_097_152


@dataclass
class Inspection:
    """What a pass over the file found: its header, its sound rows, the broken ones as (line, reason)."""

    header: list[str] = field(default_factory=list)
    rows: int = 0
    longest: int = 0
    broken: list[tuple[int, str]] = field(default_factory=list)


def open_text(path: Path) -> IO[str]:
    """The file's text, unpacked when it ends in .gz, without a byte-order mark."""
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


@dataclass(frozen=True)
class Rejects:
    """Whether broken rows may be left out, and the folder for the copies that hold the sound ones."""

    scratch: str
    allowed: bool = False

    def copy(self, path: Path, ending: str, broken: list[tuple[int, str]]) -> Path:
        """Where a copy without the broken rows belongs; QueryError when they are not allowed."""
        if not self.allowed:
            hint = "mend them, or connect with ?rejects=allow to leave them out"
            raise QueryError(broken_rows(path, broken), hint=hint)
        return Path(self.scratch) / f"{uuid.uuid4().hex}{ending}"


def read_delimited(path: Path, delimiter: str, rejects: Rejects, checkpoint: Callable[[], None]) -> TextRows:
    """The rows of a CSV or TSV file; `checkpoint` is called now and then, and may raise.

    Raises
    ------
    QueryError
        When the file has broken rows and they are not allowed, two columns of one name, no header, or is not UTF-8.
    """
    found = inspect(path, delimiter, checkpoint)
    names = column_names(found.header, path)
    other = next((mark for mark in ";\t|" if len(names) == 1 and mark in names[0]), None)
    if other and found.broken:
        said = f"{path.name} seems to be separated by {other!r}, not by {delimiter!r}"
        raise QueryError(said, hint="save it anew, or read it by pandas and give it by -i")
    source: Path = path
    losses: tuple[str, ...] = ()
    if found.broken:
        source = rejects.copy(path, ".csv", found.broken)
        copy_sound_rows(path, source, delimiter)
        losses = (broken_rows(path, found.broken) + ", left out",)
    remarks = tuple(f"{name}: [UTC] taken off its header" for name in _marked(found.header))
    if other:
        remarks += (f"one column: is it separated by {other!r} instead of {delimiter!r}?",)
    columns = {name: quote_name(name) for name in names}
    reader = _reader(source, delimiter, names, found.longest)
    return TextRows(reader, columns, found.rows, remarks=remarks, losses=losses)


def inspect(path: Path, delimiter: str, checkpoint: Callable[[], None]) -> Inspection:
    """Every record of the file, read strictly; raises QueryError when the text is not UTF-8."""
    found = Inspection()
    with _records(path, delimiter) as records:
        for line, record, problem in records:
            if line % _STRIDE == 0:
                checkpoint()
            if problem is None and not found.header:
                found.header = record
            elif problem is None and len(record) == len(found.header):
                found.rows += 1
                found.longest = max(found.longest, sum(map(len, record)))
            else:
                found.broken.append(
                    (line, problem or f"{len(record)} values for {len(found.header)} columns")
                )
    return found


@contextmanager
def _records(path: Path, delimiter: str) -> Iterator[Iterator[tuple[int, list[str], str | None]]]:
    """(line, values, problem) of each record that is not blank."""
    limit = csv.field_size_limit(sys.maxsize)
    try:
        with open_text(path) as text:
            yield _strictly(csv.reader(text, delimiter=delimiter, strict=True))
    except UnicodeDecodeError as error:
        raise QueryError(
            f"{path.name} is not UTF-8 text ({error.reason} at byte {error.start})", hint="save it as UTF-8"
        ) from error
    finally:
        csv.field_size_limit(limit)


def _strictly(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str], str | None]]:
    line = 1
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            open_quote = "unexpected end of data" in str(error)
            yield (
                line,
                [],
                "an open quote takes in all lines to the end of the file" if open_quote else str(error),
            )
        else:
            if record:
                yield line, record, None
        line = reader.line_num + 1  # type: ignore[attr-defined]  # csv.reader has it, its protocol has not


def column_names(header: list[str], path: Path) -> list[str]:
    """The header's names as a KQL table has them: without ` [UTC]`, a nameless one as Kusto names it, `Column1`."""
    names = [
        name.strip().removesuffix(_UTC_MARK.strip()).strip() or f"Column{number}"
        for number, name in enumerate(header, 1)
    ]
    if not names:
        raise QueryError(f"{path.name} has no header line")
    refuse_twins(names, path)
    return names


def refuse_twins(names: list[str], path: Path) -> None:
    """Raise QueryError when two names are one, or differ only in case: the engine would take one for the other."""
    seen: dict[str, str] = {}
    for name in names:
        twin = seen.get(name.casefold())
        if twin is not None:
            said = (
                f"two columns named {name!r}"
                if twin == name
                else f"columns {twin!r} and {name!r} that differ only in case"
            )
            raise QueryError(f"{path.name} has {said}", hint="rename one in the file")
        seen[name.casefold()] = name


def _marked(header: list[str]) -> list[str]:
    return [name.removesuffix(_UTC_MARK) for name in header if name.endswith(_UTC_MARK)]


def broken_rows(path: Path, broken: list[tuple[int, str]]) -> str:
    """`signins.csv has 2 broken rows: line 17 (3 values for 4 columns), line 90 (…)`."""
    shown = ", ".join(f"line {line} ({reason})" for line, reason in broken[:_SHOWN_LINES])
    more = f" and {len(broken) - _SHOWN_LINES:,} more" if len(broken) > _SHOWN_LINES else ""
    return f"{path.name} has {len(broken):,} broken row{'s' * (len(broken) != 1)}: {shown}{more}"


def copy_sound_rows(path: Path, target: Path, delimiter: str) -> None:
    """Write the header and the rows of the right width to `target`."""
    with _records(path, delimiter) as records, target.open("w", encoding="utf-8", newline="") as out:
        writer, width = csv.writer(out, delimiter=delimiter), 0
        for _, record, problem in records:
            width = width or len(record)
            if problem is None and len(record) == width:
                writer.writerow(record)


def _reader(path: Path, delimiter: str, names: list[str], longest: int) -> str:
    """The SQL that reads the file: everything said, nothing guessed."""
    columns = ", ".join(f"{quote_text(name)}: 'VARCHAR'" for name in names)
    line_size = max(_MIN_LINE_SIZE, 4 * longest + 1024)
    return (
        f"read_csv({quote_path(path)}, hive_partitioning=false, delim={quote_text(delimiter)}, quote='\"', escape='\"', header=true, "
        f"auto_detect=false, strict_mode=true, null_padding=false, columns={{{columns}}}, max_line_size={line_size})"
    )
