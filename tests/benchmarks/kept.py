"""What a kept result costs: its hash, and its comparison with another one: `python -m tests.benchmarks.kept`."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa

from kqlmagic_ext.frames import frame_from_arrow, kql_field
from kqlmagic_ext.record.canonical import content_hash
from kqlmagic_ext.record.compare import difference, verdict

ROWS, RUNS = 200_000, 7


def logs() -> pa.Table:
    """200,000 sign-ins of 12 columns."""
    random = np.random.default_rng(0)
    numbers = random.integers(0, 10**12, (ROWS, 6))
    moments = pa.array(1_764_000_000_000_000_000 + numbers[:, 0] * 100)
    columns = {
        "TimeGenerated": ("datetime", moments.cast(pa.timestamp("ns", "UTC"))),
        "TenantId": ("guid", ["8f14e45f-ceea-467f-a8f1-000000000000"] * ROWS),
        "User": ("string", [f"user{number % 3000}@contoso.example" for number in numbers[:, 1]]),
        "Address": ("string", [f"10.{n % 250}.{n // 7 % 250}.{n // 97 % 250}" for n in numbers[:, 2]]),
        "ResultType": ("int", (numbers[:, 3] % 50_000).astype(np.int32)),
        "Bytes": ("long", numbers[:, 4]),
        "Risk": ("real", random.random(ROWS)),
        "Interactive": ("bool", random.random(ROWS) < 0.5),
        "Took": ("timespan", pa.array(numbers[:, 5] * 100).cast(pa.duration("ns"))),
        "CorrelationId": ("guid", [f"{number:032x}" for number in numbers[:, 0]]),
        "Device": ("dynamic", [f'{{"os":"Windows {n % 4}","name":"pc-{n % 2000}"}}' for n in numbers[:, 1]]),
        "App": ("string", [f"Application number {number % 40}" for number in numbers[:, 2]]),
    }
    arrays = {name: (kind, pa.array(values)) for name, (kind, values) in columns.items()}
    schema = pa.schema([kql_field(name, kind, array.type) for name, (kind, array) in arrays.items()])
    return pa.table([array for _, array in arrays.values()], schema=schema)


def raw_hash(table: pa.Table) -> None:
    """The SHA-256 of Arrow's buffers as they stand."""
    digest = hashlib.sha256()
    for column in table.columns:
        for chunk in column.chunks:
            for buffer in filter(None, chunk.buffers()):
                digest.update(buffer)


def cost(work: Callable[[], object]) -> float:
    """The least CPU time of several runs."""
    times = []
    for _ in range(RUNS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    before = logs()
    after = before.take(pa.array(np.random.default_rng(1).permutation(ROWS)))
    frames = [frame_from_arrow(table.drop_columns(["Device"])) for table in (before, after)]
    pandas = cost(lambda: pd.concat(frames).drop_duplicates(keep=False))
    print(
        f"content_hash : sha256 of Arrow's buffers    = {cost(lambda: content_hash(before)) / cost(lambda: raw_hash(before)):.2f}"
    )
    for name, work in (("difference", difference), ("verdict   ", verdict)):
        compared = cost(lambda work=work: work(before, after))  # type: ignore[misc]
        print(
            f"{name}   : pandas' drop_duplicates, 11 columns = {compared / pandas:.2f}  ({compared:.2f} s of CPU)"
        )


if __name__ == "__main__":
    main()
