"""`externaldata`: files of the opened folder, https where it was allowed, and nothing else."""

from __future__ import annotations

import gzip
import http.server
import io
import json
import ssl
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kqlmagic_ext import ConnectError, Query, QueryError, UnsupportedError, connect
from kqlmagic_ext.connections.local.connection import LocalConnection
from kqlmagic_ext.connections.local.outside import rows as outside_rows
from kqlmagic_ext.connections.local.outside.reach import Reach
from kqlmagic_ext.connections.worker import Cancellation
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]


def test_delimited_text_is_read_by_the_order_of_the_columns(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(
        'name,n,t\n"a, ""b""",5,2026-01-02\nz,no number,\n"",,,more\n', "utf-8-sig"
    )
    rows = answer(
        opened(tmp_path),
        "externaldata (Name: string, N: long, T: datetime, Rest: string) ['list.csv'] with (ignoreFirstRecord=true)",
    )
    assert [(name, str(n), str(t), rest) for name, n, t, rest in rows] == [
        ('a, "b"', "5", "2026-01-02 00:00:00+00:00", ""),
        ("z", "<NA>", "NaT", ""),
        ("", "<NA>", "NaT", "more"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("a.json", b'[{"b": 1, "a": "x"}, {"a": {"k": [1]}}]', ""),
        ("a.json", b'{"a": "x", "b": 1}\n{"a": {"k": [1]}, "c": 2}\n', "multijson"),
        ("a.json.gz", gzip.compress(b'{"a": "x", "b": 1} {"a": {"k": [1]}}'), "json"),
        ("a.psv", b'x|1\n{"k": [1]}|\n', ""),
        ("a.dat", b'x\t1\n"{""k"": [1]}"\t\n', "tsv"),
    ],
)
def test_every_form_gives_the_declared_columns(
    opened: Open, tmp_path: Path, name: str, content: bytes, form: str
) -> None:
    (tmp_path / name).write_bytes(content)
    properties = f"with (format={json.dumps(form)})" if form else ""
    query = (
        f"externaldata (a: string, b: int) ['{name}'] {properties} | extend k = tostring(parse_json(a).k[0])"
    )
    assert answer(opened(tmp_path), f"{query} | project a, isnull(b), k") == [
        ("x", False, ""),
        ('{"k": [1]}', True, "1"),
    ]


def test_lines_archives_and_several_files_are_one_table(opened: Open, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inner.txt", "é,1\n\nlast")
    (tmp_path / "a.zip").write_bytes(packed.getvalue())
    (tmp_path / "b.txt").write_text("one\r\ntwo", "utf-8")
    query = "externaldata (line: string) ['a.zip', @'b.txt'] with (format='txt')"
    assert answer(opened(tmp_path), query) == [("é,1",), ("",), ("last",), ("one",), ("two",)]


def test_a_table_outside_stands_in_lets_joins_and_lists(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("203.0.113.7,C2\n", "utf-8")
    query = (
        "let bad = externaldata (Address: string, Label: string) ['bad.csv']; "
        "datatable (Ip: string) ['203.0.113.7', '198.51.100.1'] | where Ip in ((bad | project Address)) "
        "| join kind=leftouter bad on $left.Ip == $right.Address | project Ip, Label"
    )
    connection = opened(tmp_path)
    assert answer(connection, query) == [("203.0.113.7", "C2")]
    (tmp_path / "bad.csv").write_text("198.51.100.1,new\n", "utf-8")
    assert answer(connection, query) == [("198.51.100.1", "new")]


@pytest.mark.parametrize(
    ("address", "error", "said"),
    [
        ("../secret.csv", UnsupportedError, "no files outside of the opened folder"),
        ("link.csv", UnsupportedError, "no files outside of the opened folder"),
        ("none.csv", QueryError, "cannot read 'none.csv' of the opened folder: No such file"),
        (
            "https://files.example/x.csv?sig=SECRET",
            UnsupportedError,
            "does not ask files.example: nothing leaves",
        ),
        ("http://files.example/x.csv", UnsupportedError, "reads no http:// addresses"),
        ("file:///etc/passwd", UnsupportedError, "reads no file:// addresses"),
        ("broken.json", QueryError, "broken.json cannot be read as json"),
        ("wrong.csv", QueryError, "wrong.csv cannot be read as csv: 'utf-8' codec"),
        ("x.xlsx", UnsupportedError, "reads no avro"),
    ],
)
def test_what_may_not_be_read_is_refused_in_a_sentence(
    opened: Open, tmp_path: Path, address: str, error: type[Exception], said: str
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "secret.csv").write_text("secret", "utf-8")
    (folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    (folder / "broken.json").write_text('{"a": 1', "utf-8")
    (folder / "wrong.csv").write_bytes(b"\xff\xfe\x00")
    (folder / "x.xlsx").write_bytes(b"")
    clause = " with (format='avro')" if address.endswith("xlsx") else ""
    with pytest.raises(error, match=said.replace("(", r"\(")) as caught:
        answer(opened(folder), f"externaldata (a: string) ['{address}']{clause}")
    assert "SECRET" not in str(caught.value)


def test_what_a_stage_read_is_not_read_again_and_its_warnings_are_told(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bags.csv").write_text('"{""a"": 1}",10.0.0.1\n', "utf-8")
    reads: list[str] = []
    read = Reach.read

    def counted(reach: Reach, address: str, checkpoint: Callable[[], None]) -> bytes:
        reads.append(address)
        return read(reach, address, checkpoint)

    monkeypatch.setattr(Reach, "read", counted)
    query = (
        "let T = externaldata (d: dynamic, ip: string) ['bags.csv']; "
        "T | extend g = tostring(geo_info_from_ip_address(ip)) | evaluate bag_unpack(d) | join kind=inner T on ip | project a, g"
    )
    result = opened(tmp_path).run(Query(query))
    assert result.frame.to_numpy().tolist() == [[1, ""]]
    assert reads == ["bags.csv"]
    assert any("GeoIP" in warning for warning in result.warnings)


def test_what_unpacks_to_gigabytes_is_refused(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outside_rows, "_MOST", 1 << 20)
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"x" * ((1 << 20) + 1)))
    with pytest.raises(
        QueryError, match=r"bomb\.csv\.gz cannot be read as csv: it unpacks to more than 1 MB"
    ):
        answer(opened(tmp_path), "externaldata (a: string) ['bomb.csv.gz']")


def test_a_workspace_without_a_folder_reads_no_files(opened: Open) -> None:
    with pytest.raises(UnsupportedError, match="only files of an opened folder"):
        answer(opened("local://"), "externaldata (a: string) ['x.csv']")


def test_the_choice_of_what_is_read_is_checked() -> None:
    with pytest.raises(ConnectError, match=r"externaldata='all'; it can be folder or https"):
        connect("local://", externaldata="all")


# ---------------------------------------------------------------- https, on this machine


def certificate(folder: Path) -> Path:
    """A certificate for localhost and its key, in one file, made for this test."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(hours=1))
        .not_valid_after(datetime.now(UTC) + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "localhost.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return file


class Answers(http.server.BaseHTTPRequestHandler):
    """`/list.csv` is a list; `/away` leads to http."""

    def do_GET(self) -> None:
        self.send_response(302 if self.path == "/away" else 200)
        if self.path == "/away":
            self.send_header("Location", "http://localhost:1/list.csv")
        self.end_headers()
        self.wfile.write(b"a,1\nb,2\n")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def served(file: Path) -> Iterator[str]:
    """An https server on this machine alone."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"https://localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_https_is_asked_where_it_was_allowed_and_never_left(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = certificate(tmp_path)
    connection = opened("local://", externaldata="https")
    with served(file) as place:
        query = f"externaldata (a: string, n: long) [h'{place}/list.csv']"
        with pytest.raises(QueryError, match=r"cannot read from localhost: .*CERTIFICATE_VERIFY_FAILED"):
            answer(connection, query)
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        assert answer(connection, query) == [("a", 1), ("b", 2)]
        with pytest.raises(QueryError, match="it leads away from https"):
            answer(connection, query.replace("list.csv", "away"))


def test_a_column_may_be_called_like_a_word_of_kql(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("2026-01-02,x\n", "utf-8")
    query = "externaldata (['date']: datetime, [\"by\"]: string) ['a.csv'] | project year = getyear(['date']), ['by']"
    assert answer(opened(tmp_path), query) == [(2026, "x")]


@pytest.mark.parametrize(
    "text",
    [
        "externaldata (a: string) ['list.csv']",
    ],
)
def test_a_query_with_denied_tables_reads_nothing_outside(opened: Open, tmp_path: Path, text: str) -> None:
    (tmp_path / "list.csv").write_text("secret\n", "utf-8")
    with pytest.raises(UnsupportedError):
        opened(tmp_path).answers(Query(text), Cancellation(), frozenset({"Secret"}))


def test_a_query_with_denied_tables_sees_no_watchlist(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "watchlists").mkdir()
    (tmp_path / "watchlists" / "VIPs.csv").write_text("SearchKey\nsecret\n", "utf-8")
    text = "_GetWatchlist('VIPs') | count"
    connection = opened(tmp_path)
    for denied, count in ((frozenset[str](), 1), (frozenset({"Secret"}), 0)):
        ((table,), _) = connection.answers(Query(text), Cancellation(), denied)
        assert table.to_pylist() == [{"Count": count}]
