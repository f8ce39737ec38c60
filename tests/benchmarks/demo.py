"""How much the demo workspace costs to make, next to random values of the same shapes: `python tests/benchmarks/demo.py`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from kqlmagic_ext.connections.local.demo import Demo

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = 5
END = datetime(2026, 3, 6, 12, tzinfo=UTC)


def demo_tables() -> list[pa.Table]:
    demo = Demo(END)
    return [demo.table(name) for name in demo.tables]


def plain_tables(shapes: list[tuple[int, pa.Schema]]) -> list[pa.Table]:
    """The yardstick: as many rows and columns of the same types, from plain random numbers."""
    rng = np.random.default_rng(0)
    return [
        pa.table([plain_column(rng, rows, field.type) for field in schema], schema=schema)
        for rows, schema in shapes
    ]


def plain_column(rng: np.random.Generator, rows: int, kind: pa.DataType) -> pa.Array:
    numbers = rng.integers(0, 1_000_000, rows)
    if pa.types.is_timestamp(kind):
        return pa.array(numbers.view("datetime64[us]"))
    if pa.types.is_boolean(kind):
        return pa.array(numbers % 2 == 0)
    return pa.array(numbers).cast(kind)


def fastest(work: Callable[[], object]) -> float:
    """The least CPU seconds of some runs."""
    seconds = []
    for _ in range(RUNS):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return min(seconds)


def main() -> None:
    made = demo_tables()
    shapes = [(table.num_rows, table.schema) for table in made]
    rows, cells = sum(rows for rows, _ in shapes), sum(table.num_rows * table.num_columns for table in made)
    ours, yardstick = fastest(demo_tables), fastest(lambda: plain_tables(shapes))
    print(
        f"{rows:,} rows, {cells:,} cells, {sum(table.nbytes for table in made) / 1e6:,.0f} MB in {len(made)} tables"
    )
    print(f"demo {ours:.3f} s CPU, plain random values {yardstick:.3f} s CPU: ratio {ours / yardstick:.2f}")


if __name__ == "__main__":
    main()
