"""What lies between two kept answers, as a DataFrame to read and a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kqlmagic_ext.frames import frame_from_arrow

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    import pyarrow as pa

    from kqlmagic_ext.record.compare import Changed, Difference, Rows


def difference_frame(difference: Difference) -> pd.DataFrame:
    """The rows gone, then those that appeared, then those that changed, before and after in turn.

    `difference` (str: gone, appeared, before, after), `times` (Int64: how often the row is gone or appeared), with a key
    `differs` (str: the columns that changed), then all columns of both answers. A column whose type is another now stands
    twice: `NAME (was TYPE)` and `NAME`.
    """
    import pandas as pd

    parts = [
        _part("gone", difference.gone, _old_names(difference)),
        _part("appeared", difference.appeared, {}),
    ]
    heads = ["difference", "times"]
    if difference.changed is not None:
        heads.append("differs")
        parts.append(_changed(difference.changed, _old_names(difference)))
    names = list(dict.fromkeys(name for part in parts for name in part.columns if name not in heads))
    wanted = [*heads, *names]
    return pd.DataFrame({name: _column(parts, name) for name in wanted}, columns=wanted)


def sentence(difference: Difference, before: str, after: str) -> str:
    """`R1 → R2: 3 rows gone, 2 appeared, 1 changed (Status)`."""
    if difference.nothing:
        return f"{before} and {after} have the same rows"
    said = [*_counts(difference), *_columns(difference)]
    return f"{before} → {after}: {', '.join(said)}"


def _counts(difference: Difference) -> Iterator[str]:
    for count, what in ((difference.gone.count, "gone"), (difference.appeared.count, "appeared")):
        if count:
            yield f"{_rows(count)} {what}"
    changed = difference.changed
    if changed is not None and changed.before.num_rows:
        yield f"{_rows(changed.before.num_rows)} changed ({', '.join(changed.columns)})"


def _columns(difference: Difference) -> Iterator[str]:
    for what, names in (("new", difference.columns.added), ("missing", difference.columns.removed)):
        if names:
            yield f"{what} columns: {', '.join(names)}"
    for name, old, new in difference.columns.retyped:
        yield f"{name} was {old}, is {new}"


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


def _old_names(difference: Difference) -> dict[str, str]:
    """The names under which columns of another type stand, before."""
    return {name: f"{name} (was {old})" for name, old, _ in difference.columns.retyped}


def _frame(table: pa.Table, names: dict[str, str]) -> pd.DataFrame:
    return frame_from_arrow(table).rename(columns=names)


def _part(word: str, rows: Rows, names: dict[str, str]) -> pd.DataFrame:
    frame = _frame(rows.table, names)
    return _headed(
        frame, {"difference": _same(word, len(frame)), "times": rows.times.to_pandas().astype("Int64")}
    )


def _changed(changed: Changed, names: dict[str, str]) -> pd.DataFrame:
    """The rows before and after, one below the other."""
    import pandas as pd

    count = changed.before.num_rows
    differs = [", ".join(name for name, is_so in row.items() if is_so) for row in changed.differs.to_pylist()]
    sides = [
        _headed(
            _frame(table, renamed),
            {
                "difference": _same(word, count),
                "times": pd.Series([1] * count, dtype="Int64"),
                "differs": pd.Series(differs, dtype="str"),
            },
        )
        for word, table, renamed in (("before", changed.before, names), ("after", changed.after, {}))
    ]
    order = [place for row in range(count) for place in (row, row + count)]
    columns = list(dict.fromkeys([*sides[0].columns, *sides[1].columns]))
    joined = pd.DataFrame({name: _column(sides, name) for name in columns})
    return joined.iloc[order].reset_index(drop=True)


def _headed(frame: pd.DataFrame, heads: dict[str, pd.Series[Any]]) -> pd.DataFrame:
    """The frame behind columns of ours; one of its own of such a name gets a mark."""
    frame = frame.rename(columns={name: f"{name} (column)" for name in ("difference", "times", "differs")})
    for place, (name, values) in enumerate(heads.items()):
        frame.insert(place, name, values)
    return frame


def _same(word: str, count: int) -> pd.Series[Any]:
    import pandas as pd

    return pd.Series([word] * count, dtype="str")


def _column(parts: list[pd.DataFrame], name: str) -> pd.Series[Any]:
    """A column of all parts, one below the other; missing where a part has none."""
    import pandas as pd

    there = [part[name] for part in parts if name in part.columns]
    kind = next((column.dtype for column in there if len(column)), there[0].dtype)
    pieces = [
        part[name]
        if name in part.columns
        else pd.Series([None] * len(part), dtype=object).reindex(part.index)
        for part in parts
    ]
    pieces = [piece for piece in pieces if len(piece)]
    if not pieces:
        return pd.Series([], dtype=kind)
    if all(piece.dtype == kind for piece in pieces):
        return pd.concat(pieces, ignore_index=True)
    try:
        return pd.concat([piece.astype(kind) for piece in pieces], ignore_index=True)
    except (
        TypeError,
        ValueError,
    ):  # such as times that nanoseconds do not reach, or a whole number without a null
        return pd.concat([piece.astype(object) for piece in pieces], ignore_index=True)
