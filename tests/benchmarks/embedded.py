"""What KQL costs in the embedded workspace, next to hand-written SQL of the same meaning on the same rows.

`python -m tests.benchmarks.embedded [rows]`: the demo workspace, 1,000,000 rows unless told. Each pair runs in the same
DuckDB, by turns; the answer of both is counted in Arrow, and must be equal.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

import pyarrow as pa

from kqlmagic_ext import Query, connect
from kqlmagic_ext.connections.local.connection import LocalConnection
from kqlmagic_ext.connections.local.diagnosis import Source
from kqlmagic_ext.connections.local.translation import translate
from kqlmagic_ext.connections.worker import Cancellation

ROWS, RUNS = 1_000_000, 7
END = "2026-03-06T12:00:00Z"


REPEATED = (
    "SecurityEvent | where EventID == 4625 | summarize Tries = count(), Hosts = dcount(Computer) by Account "
    "| top 10 by Tries"
)


@dataclass(frozen=True)
class Pair:
    """A question, as KQL and as the SQL that one would write."""

    name: str
    kql: str
    sql: str


_NUMBER = "((o[1]::BIGINT << 24) | (o[2]::BIGINT << 16) | (o[3]::BIGINT << 8) | o[4]::BIGINT)"
_OCTET = "(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_ADDRESS = rf"({_OCTET}\.){{3}}{_OCTET}"
_PRIVATE = r"^(10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.)"
_START, _DAYS = "TIMESTAMP '2026-02-20 12:00:00'", 14
PAIRS = [
    Pair(
        "make-series",
        "CommonSecurityLog | make-series N = count() default=0 on TimeGenerated "
        "from datetime(2026-02-20 12:00) to datetime(2026-03-06 12:00) step 1h by DestinationIP",
        f"WITH b AS (SELECT DestinationIP AS d, (epoch_us(TimeGenerated) - epoch_us({_START})) // 3600000000 AS k, count(*) AS n "
        f"FROM CommonSecurityLog WHERE TimeGenerated >= {_START} AND TimeGenerated < {_START} + INTERVAL {_DAYS} DAY GROUP BY ALL), "
        f"g AS (SELECT d, list(k) AS ks, list(n) AS ns FROM b GROUP BY d), "
        f"f AS (SELECT d, map_from_entries(list_zip(ks, ns)) AS m FROM g) "
        f"SELECT d, to_json(list_transform(range({_DAYS * 24}), lambda i: coalesce(m[i], 0))) AS N, "
        f"to_json(list_transform(range({_DAYS * 24}), lambda i: {_START} + to_hours(i))) AS T FROM f",
    ),
    Pair(
        "mv-apply",
        "AuditLogs | mv-apply t = TargetResources on (summarize Names = make_list(tostring(t.displayName))) "
        "| summarize count(), sum(array_length(Names))",
        "SELECT count(*), sum(len(n)) FROM (SELECT (SELECT list(json_extract_string(t, '$.displayName')) "
        "FROM (SELECT unnest(json_extract(a.TargetResources, '$[*]')) AS t)) AS n FROM AuditLogs a)",
    ),
    Pair(
        "ipv4_is_private",
        "CommonSecurityLog | summarize countif(ipv4_is_private(DestinationIP))",
        f"SELECT count(*) FILTER (WHERE regexp_full_match(DestinationIP, '{_ADDRESS}') "
        f"AND regexp_matches(DestinationIP, '{_PRIVATE}')) FROM CommonSecurityLog",
    ),
    Pair(
        "ipv4_is_in_range",
        "CommonSecurityLog | summarize countif(ipv4_is_in_range(DestinationIP, '198.18.0.0/16'))",
        f"SELECT count(*) FILTER (WHERE {_NUMBER} >> 16 = {(198 << 8) | 18}) "
        "FROM (SELECT string_split(DestinationIP, '.') AS o FROM CommonSecurityLog)",
    ),
    Pair(
        "parse",
        "SecurityEvent | parse Account with Domain '\\\\' User | summarize count() by Domain | sort by Domain asc",
        "SELECT d, count(*) FROM (SELECT coalesce(regexp_extract(Account, '(?s)^(.*?)\\\\(.*)$', 1), '') AS d FROM SecurityEvent) "
        "GROUP BY d ORDER BY d",
    ),
    Pair(
        "parse_json",
        "SigninLogs | summarize count() by Code = tostring(parse_json(Status).errorCode) | sort by Code asc",
        "SELECT coalesce(json_extract_string(Status, '$.errorCode'), '') AS c, count(*) FROM SigninLogs GROUP BY c ORDER BY c",
    ),
]


def sql_answer(connection: LocalConnection, text: str) -> pa.Table:
    """What the engine gives for SQL, beside the connection."""
    cursor = connection._database.cursor()
    try:
        return cursor.sql(text).to_arrow_table()
    finally:
        cursor.close()


def kql_answer(connection: LocalConnection, text: str) -> pa.Table:
    """The Arrow answer of a query, made in this thread."""
    (table,), _ = connection.answers(Query(text), Cancellation())
    return table


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compared(ours: Callable[[], pa.Table], theirs: Callable[[], pa.Table]) -> tuple[float, float]:
    """The median times of both, by turns, after each has run once."""
    first, second = ours(), theirs()
    if first.num_rows != second.num_rows:
        raise ValueError(f"{first.num_rows:,} rows against {second.num_rows:,}")
    if first.num_rows == 1 and first.to_pylist()[0].values() != second.to_pylist()[0].values():
        _refuse_unequal(first, second)
    times = [(seconds(ours), seconds(theirs)) for _ in range(RUNS)]
    return median(mine for mine, _ in times), median(other for _, other in times)


def _refuse_unequal(first: pa.Table, second: pa.Table) -> None:
    mine, other = (list(table.to_pylist()[0].values()) for table in (first, second))
    if mine != other:
        raise ValueError(f"{mine} against {other}")


def own_sql(connection: LocalConnection, text: str) -> str:
    """The SQL that a query without parameters becomes."""

    def load(names: Iterable[str]) -> dict[str, dict[str, str]]:
        return {name: dict(connection.table(name).columns) for name in names}

    names = [table.name for table in connection.tables()]
    return translate(Source(text, text), {}, datetime.now(UTC), load, names).sql


def measured(connection: LocalConnection) -> Iterator[tuple[str, float, float]]:
    """Each pair's name and times."""
    for pair in PAIRS:
        ours, theirs = compared(
            lambda text=pair.kql: kql_answer(connection, text),  # type: ignore[misc]  # bound at once
            lambda text=pair.sql: sql_answer(connection, text),  # type: ignore[misc]
        )
        yield pair.name, ours, theirs


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    connection = connect(f"local://demo?end={END}&rows={rows}")
    if not isinstance(connection, LocalConnection):
        raise TypeError("the demo is no local connection")
    print(f"{rows:,} rows; KQL : hand-written SQL of the same meaning")
    try:
        sql = own_sql(connection, REPEATED)
        again, direct = compared(
            lambda: kql_answer(connection, REPEATED), lambda: sql_answer(connection, sql)
        )
        for name, ours, theirs in measured(connection):
            print(f"{name:18} {ours * 1000:8.1f} ms : {theirs * 1000:8.1f} ms = {ours / theirs:5.2f}")
        print(
            f"{'repeated':18} {again * 1000:8.1f} ms : {direct * 1000:8.1f} ms = {again / direct:5.2f} (its own SQL, sent directly)"
        )
    finally:
        connection.close()


if __name__ == "__main__":
    main()
