"""A folder of files as a workspace: nothing is guessed wrong, nothing is dropped without a word."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kqlmagic_ext import ConnectError, Query, QueryError
from kqlmagic_ext.connections.local.connection import LocalConnection
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def column_types(connection: LocalConnection, table: str) -> dict[str, str]:
    return dict(connection.table(table).columns)


def test_a_csv_is_typed_by_all_that_it_holds(opened: Open, tmp_path: Path) -> None:
    write(
        tmp_path,
        "t.csv",
        "flag,count,share,when,id,bag,code,huge,empty,mixed\n"
        'true,1,0.5,2026-01-01T00:00:00Z,74be27de-1e4e-49d9-b579-fe0b331d3642,"{""a"":1}",007,123456789012345678901,,1\n'
        "FALSE,-2,1e3,2026-01-02,74be27de-1e4e-49d9-b579-fe0b331d3643,[],008,5,,x\n",
    )
    assert column_types(opened(tmp_path), "t") == {
        "flag": "bool",
        "count": "long",
        "share": "real",
        "when": "datetime",
        "id": "string",
        "bag": "dynamic",
        "code": "string",
        "huge": "string",
        "empty": "string",
        "mixed": "string",
    }


def test_one_value_far_down_the_file_makes_the_column_text(opened: Open, tmp_path: Path) -> None:
    write(tmp_path, "t.csv", "n\n" + "1\n" * 5000 + "x\n")
    connection = opened(tmp_path)
    assert column_types(connection, "t") == {"n": "string"}
    assert answer(connection, "t | where n == 'x' | count") == [(1,)]


def test_text_keeps_quotes_commas_line_ends_and_blanks(opened: Open, tmp_path: Path) -> None:
    write(tmp_path, "t.csv", '\ufeffa,b\r\n"x, ""y""\r\nz", pad \r\n,\r\n')
    assert answer(opened(tmp_path), "t") == [('x, "y"\r\nz', " pad "), ("", "")]


def test_a_file_named_after_a_known_table_has_its_types(opened: Open, tmp_path: Path) -> None:
    write(
        tmp_path,
        "SigninLogs.csv",
        'TimeGenerated [UTC],ResultType,DurationMs,Status\n"4/26/2021, 7:17:10.000 AM",0,5,plain\n',
    )
    write(tmp_path, "signin_logs.tsv", "ResultType\tDurationMs\n0\tsoon\n")
    connection = opened(tmp_path)
    assert column_types(connection, "SigninLogs") == {
        "TimeGenerated": "datetime",
        "ResultType": "string",
        "DurationMs": "long",
        "Status": "dynamic",
    }
    moment = pd.Timestamp("2021-04-26T07:17:10Z")
    assert answer(connection, "SigninLogs") == [(moment, "0", 5, "plain")]
    remarks = " ".join(connection.table("SigninLogs").remarks)
    assert "types of SigninLogs" in remarks
    assert "[UTC] taken off" in remarks
    assert "TimeGenerated: US times (month first)" in remarks
    assert (
        "DurationMs: 1 values are no long, so it is kept as text" in connection.table("signin_logs").remarks
    )


def test_an_export_whose_rows_name_their_table_has_its_types(opened: Open, tmp_path: Path) -> None:
    write(
        tmp_path,
        "export.csv",
        "ResultType,CorrelationId,Type\n0,74be27de-1e4e-49d9-b579-fe0b331d3642,SigninLogs\n",
    )
    write(tmp_path, "mixed.csv", "ResultType,Type\n0,SigninLogs\n1,Other\n")
    connection = opened(tmp_path)
    assert column_types(connection, "export") == {
        "ResultType": "string",
        "CorrelationId": "string",
        "Type": "string",
    }
    assert "types of SigninLogs" in connection.table("export").remarks
    assert column_types(connection, "mixed") == {"ResultType": "long", "Type": "string"}


def test_a_time_finer_than_a_microsecond_is_said(opened: Open, tmp_path: Path) -> None:
    write(tmp_path, "t.csv", "when\n2026-01-01T00:00:00.1234567Z\n2026-01-01T00:00:00.1234560Z\n")
    result = opened(tmp_path).run(Query("t"))
    assert result.warnings == ("t.when: 1 times cut to microseconds",)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_broken_rows_fail_the_query_with_file_lines_and_count(
    opened: Open, tmp_path: Path, name: str
) -> None:
    text = 'a,b,c\n1,"x\ny",3\n2,"q""u",4,5\n3,z\n4,"un"closed,5\n5,a,6\n\n7,b,8\n'
    (tmp_path / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    with pytest.raises(
        QueryError, match=r"t.csv.* has 3 broken rows: line 4 .*, line 5 .*, line 6 .*rejects=allow"
    ):
        opened(tmp_path).run(Query("t"))
    allowed = opened(f"local://{tmp_path}?rejects=allow")
    result = allowed.run(Query("t"))
    assert result.frame["a"].tolist() == [1, 5, 7]
    assert result.frame["b"].tolist() == ["x\ny", "a", "b"]
    assert "3 broken rows" in result.warnings[0]
    assert result.frame.attrs["kql"]["warnings"]


def test_a_ragged_file_never_becomes_one_column(opened: Open, tmp_path: Path) -> None:
    write(tmp_path, "t.csv", "a b\n1\n1,5\n")
    with pytest.raises(QueryError, match="1 broken row: line 3"):
        opened(tmp_path).run(Query("t"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"User,user\n1,2\n", "differ only in case"),
        (b"a,a\n1,2\n", "two columns named 'a'"),
        (b"", "no header"),
        ("a\né\n".encode("latin-1"), "not UTF-8"),
    ],
)
def test_a_file_that_makes_no_table_says_why(opened: Open, tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    write(tmp_path, "good.csv", "a\n1\n")
    connection = opened(tmp_path)
    with pytest.raises(QueryError, match=said):
        connection.run(Query("t"))
    assert answer(connection, "good") == [(1,)]


def test_a_file_without_rows_keeps_its_columns(opened: Open, tmp_path: Path) -> None:
    write(tmp_path, "t.csv", "a,b\n")
    result = opened(tmp_path).run(Query("t"))
    assert list(result.frame.columns) == ["a", "b"]
    assert len(result.frame) == 0


def test_column_names_with_spaces_and_signs_are_reached_in_brackets(opened: Open, tmp_path: Path) -> None:
    write(tmp_path, "my-logs.csv", 'my col,a.b,"q""t",\n1,2,3,4\n')
    connection = opened(tmp_path)
    assert answer(connection, "['my-logs'] | where ['my col'] == 1 | project ['a.b'], Column4") == [(2, 4)]


def test_two_files_of_one_table_are_refused(opened: Open, tmp_path: Path) -> None:
    write(tmp_path, "t.csv", "a\n1\n")
    write(tmp_path, "T.tsv", "a\n1\n")
    with pytest.raises(ConnectError, match=r"T.tsv and t.csv both give the table"):
        opened(tmp_path)


def test_a_folder_that_is_not_there_or_a_wrong_option_says_so(opened: Open, tmp_path: Path) -> None:
    with pytest.raises(ConnectError, match="not there"):
        opened(tmp_path / "nowhere")
    with pytest.raises(ConnectError, match="unknown option 'reject'"):
        opened(f"local://{tmp_path}?reject=allow")
    with pytest.raises(ConnectError, match="rejects=allow"):
        opened(f"local://{tmp_path}?rejects=maybe")


def test_a_folder_name_with_spaces_and_quotes_opens(opened: Open, tmp_path: Path) -> None:
    folder = tmp_path / "it's a case"
    folder.mkdir()
    write(folder, "t.csv", "a\n1\n")
    assert answer(opened(folder), "t") == [(1,)]
    assert opened(f"local://{str(folder).replace(' ', '%20')}").name == "it's a case"


def test_json_strings_stay_strings_and_numbers_keep_their_digits(opened: Open, tmp_path: Path) -> None:
    records = [
        {
            "a": 1,
            "code": "5",
            "t": "2026-01-01T00:00:00.5Z",
            "d": {"x": [1, {"y": None}]},
            "big": 12345678901234567890123,
        },
        {"a": 2, "ok": True, "code": "6", 'né/~"': 1},
    ]
    write(tmp_path, "list.json", json.dumps(records))
    write(tmp_path, "lines.jsonl", "\n".join(map(json.dumps, records)))
    connection = opened(tmp_path)
    for table in ("list", "lines"):
        types = column_types(connection, table)
        assert (types["a"], types["code"], types["t"], types["d"], types["ok"]) == (
            "long",
            "string",
            "datetime",
            "dynamic",
            "bool",
        )
        frame = connection.run(Query(table)).frame
        assert frame["d"].tolist() == [{"x": [1, {"y": None}]}, None]
        assert frame["big"].tolist() == ["12345678901234567890123", ""]
        assert frame['né/~"'].tolist() == [pd.NA, 1]


def test_a_broken_json_line_fails_or_is_left_out_with_a_warning(opened: Open, tmp_path: Path) -> None:
    write(tmp_path, "t.jsonl", '{"a":1}\n{"a":2}\n{bad\n{"a":3}\n')
    with pytest.raises(QueryError, match=r"t.jsonl has 1 broken row: line 3"):
        opened(tmp_path).run(Query("t"))
    result = opened(f"local://{tmp_path}?rejects=allow").run(Query("t"))
    assert result.frame["a"].tolist() == [1, 2, 3]
    assert "line 3" in result.warnings[0]


def test_a_broken_json_file_is_named(opened: Open, tmp_path: Path) -> None:
    write(tmp_path, "t.json", '[{"a":1},')
    write(tmp_path, "n.json", "[1,2]")
    connection = opened(tmp_path)
    with pytest.raises(QueryError, match=r"t.json is no JSON"):
        connection.run(Query("t"))
    with pytest.raises(QueryError, match="no objects"):
        connection.run(Query("n"))


def test_parquet_is_read_in_kqls_types_without_null_strings(opened: Open, tmp_path: Path) -> None:
    moment = datetime(2026, 1, 1, 12, tzinfo=UTC)
    table = pa.table(
        {
            "s": pa.array(["a", None]),
            "i8": pa.array([1, None], pa.int8()),
            "u32": pa.array([2**32 - 1, None], pa.uint32()),
            "f": pa.array([0.5, None], pa.float32()),
            "day": pa.array([moment.date(), None]),
            "zoned": pa.array([moment, None], pa.timestamp("us", "America/New_York")),
            "ns": pa.array([moment, None], pa.timestamp("ns")),
            "span": pa.array([1_500_000_001, None], pa.duration("ns")),
            "list": pa.array([[1, 2], None], pa.list_(pa.int64())),
            "struct": pa.array([{"x": "y"}, None]),
            "dec": pa.array([Decimal("1.5"), None], pa.decimal128(5, 2)),
            "cat": pa.array(["c", None]).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "p.parquet")
    connection = opened(tmp_path)
    assert connection.tables()[0].rows == 2
    assert list(column_types(connection, "p").values()) == [
        "string", "int", "long", "real", "datetime", "datetime", "datetime", "timespan", "dynamic", "dynamic", "decimal", "string",
    ]  # fmt: skip
    result = connection.run(Query("p"))
    first, second = result.frame.to_dict("records")
    assert first["zoned"] == first["ns"] == pd.Timestamp(moment)
    assert (first["list"], first["struct"], first["dec"], first["cat"]) == (
        [1, 2],
        {"x": "y"},
        Decimal("1.5"),
        "c",
    )
    assert (second["s"], second["cat"]) == ("", "")
    assert answer(connection, "p | where s == '' | count") == [(1,)]
    assert first["span"] == pd.Timedelta("1.5s")
    assert result.warnings == ()


def test_parquet_columns_that_differ_only_in_case_are_refused(opened: Open, tmp_path: Path) -> None:
    pq.write_table(pa.table({"User": ["a"], "user": ["b"]}), tmp_path / "p.parquet")
    with pytest.raises(QueryError, match="differ only in case"):
        opened(tmp_path).run(Query("p"))
    write(tmp_path, "q.parquet", "no parquet at all")
    with pytest.raises(QueryError, match=r"q.parquet is no Parquet file"):
        opened(tmp_path).run(Query("q"))


def test_tables_are_listed_before_they_are_read(opened: Open, tmp_path: Path) -> None:
    write(tmp_path, "t.csv", "a\n1\n")
    connection = opened(tmp_path)
    assert [(table.name, table.rows) for table in connection.tables()] == [("t", None)]
    connection.table("t")
    assert [(table.name, table.rows) for table in connection.tables()] == [("t", 1)]
    with pytest.raises(KeyError):
        connection.table("nowhere")


def test_file_names_are_never_patterns(opened: Open, tmp_path: Path) -> None:
    for name, rows in (("a", [1]), ("[a]", [2, 3]), ("a*", [4]), ("b", [5]), ("b?", [6, 7])):
        pq.write_table(pa.table({"x": rows}), tmp_path / f"{name}.parquet")
        write(tmp_path, f"c{name}.csv", "x\n" + "".join(f"{row}\n" for row in rows))
    connection = opened(tmp_path)
    assert answer(connection, "['[a]']") == [(2,), (3,)]
    assert answer(connection, "['a*']") == [(4,)]
    assert answer(connection, "['b?']") == [(6,), (7,)]
    assert answer(connection, "['c[a]']") == [(2,), (3,)]
    assert answer(connection, "['cb?']") == [(6,), (7,)]


def test_the_folders_own_name_makes_no_column(opened: Open, tmp_path: Path) -> None:
    folder = tmp_path / "year=2024"
    folder.mkdir()
    pq.write_table(pa.table({"year": ["abc"]}), folder / "p.parquet")
    write(folder, "c.csv", "year,n\nabc,1\n")
    write(folder, "j.jsonl", '{"n":1}\n')
    connection = opened(folder)
    assert answer(connection, "p") == [("abc",)]
    assert answer(connection, "c") == [("abc", 1)]
    assert answer(connection, "j") == [(1,)]


def test_a_file_that_changed_is_read_anew(opened: Open, tmp_path: Path) -> None:
    path = write(tmp_path, "t.csv", "x\n1\n2\n")
    connection = opened(tmp_path)
    assert answer(connection, "t") == [(1,), (2,)]
    path.write_text("x,y\n1,a\nabc,b\n")
    assert answer(connection, "t") == [("1", "a"), ("abc", "b")]
    path.unlink()
    with pytest.raises(QueryError, match=r"t.csv cannot be read"):
        connection.run(Query("t"))


def test_times_that_may_be_read_two_ways_are_said(opened: Open, tmp_path: Path) -> None:
    write(tmp_path, "open.csv", "t\n03/04/2026\n")
    write(tmp_path, "told.csv", "t\n03/04/2026\n03/14/2026\n")
    connection = opened(tmp_path)
    assert connection.run(Query("told")).warnings == ()
    [warning] = connection.run(Query("open")).warnings
    assert "month first; no value tells" in warning


def test_floats_that_pandas_wrote_come_back_as_floats(opened: Open, tmp_path: Path) -> None:
    values = [0.1, 1 / 3, 1e-7, 1.0000000000000002e-05, 123456.789]
    pd.DataFrame({"x": values}).to_csv(tmp_path / "t.csv", index=False)
    write(tmp_path, "huge.CSV", "x\n1e400\n")
    connection = opened(tmp_path)
    assert [row[0] for row in answer(connection, "t")] == values
    assert answer(connection, "huge") == [("1e400",)]


def test_a_file_of_another_separator_is_remarked(opened: Open, tmp_path: Path) -> None:
    write(tmp_path, "t.csv", "a;b\n1;2\n")
    assert "one column: is it separated by ';' instead of ','?" in opened(tmp_path).table("t").remarks


def test_parquet_times_finer_than_a_microsecond_are_cut_and_counted(opened: Open, tmp_path: Path) -> None:
    moments = pd.to_datetime(
        ["2026-01-01T23:59:59.999999999Z", "1969-12-31T23:59:59.999999999Z"], format="ISO8601"
    )
    frame = pd.DataFrame({"t": moments, "n": moments.tz_localize(None)})
    pq.write_table(pa.Table.from_pandas(frame), tmp_path / "p.parquet")
    result = opened(tmp_path).run(Query("p"))
    assert result.frame["t"].tolist() == [moment.floor("us") for moment in moments]
    assert result.frame["n"].tolist() == result.frame["t"].tolist()
    assert result.warnings == ("p.t: 2 times cut to microseconds", "p.n: 2 times cut to microseconds")


def test_a_quote_that_never_closes_says_what_it_takes(opened: Open, tmp_path: Path) -> None:
    write(tmp_path, "t.csv", 'a,b\n1,2\n"open,2\n3,4\n')
    with pytest.raises(
        QueryError, match=r"line 3 \(an open quote takes in all lines to the end of the file\)"
    ):
        opened(tmp_path).run(Query("t"))


def test_decimal_commas_between_semicolons_are_recognised(opened: Open, tmp_path: Path) -> None:
    write(tmp_path, "t.csv", "a;b\n1,5;2\n")
    for url in (tmp_path, f"local://{tmp_path}?rejects=allow"):
        with pytest.raises(QueryError, match="seems to be separated by ';'"):
            opened(url).run(Query("t"))
