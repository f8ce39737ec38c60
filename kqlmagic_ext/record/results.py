"""Result tables on the disk: Parquet files named by the hash of their content."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from kqlmagic_ext.frames import kql_type
from kqlmagic_ext.record.canonical import content_hash
from kqlmagic_ext.record.records import KeptTable
from kqlmagic_ext.record.whole_files import file_hash, make_folder, replacing, sync_folder, take

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

_BROKEN = "its file is damaged: the content is not what the record says"


class ResultGone(Exception):  # noqa: N818 - what happened, in a word
    """A result table cannot be given back; the sentence says why."""


class Results:
    """The result tables of a case."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, table: pa.Table, sha256: str, known: str = "") -> KeptTable:
        """Have the table on the disk; `known` is the hash of a file that should be there already.

        Raises OSError, or ArrowInvalid, when it cannot be written.
        """
        make_folder(self._folder)
        path = self._path(sha256)
        digest = known if known and path.exists() and file_hash(path) == known else self._write(table, path)
        self._mark(sha256).unlink(missing_ok=True)
        return described(table, sha256, digest, path.stat().st_size)

    def read(self, kept: KeptTable) -> pa.Table:
        """The table, once its content was hashed anew and found to be what the record says; ResultGone if it is not."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if problem := self.problem(kept):
            raise ResultGone(problem)
        try:
            table = pq.ParquetFile(self._path(kept.sha256)).read(use_threads=False)
            found = content_hash(table)
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
            raise ResultGone(_BROKEN) from error
        if found != kept.sha256:
            raise ResultGone(_BROKEN)
        return table

    def problem(self, kept: KeptTable) -> str:
        """Why a table cannot be read, as far as that is seen without reading it; empty when nothing is known."""
        if not kept.file_sha256:
            return "its result was not kept"
        if self._path(kept.sha256).exists():
            return ""
        if self._mark(kept.sha256).exists():
            return "its result was taken away to stay within the budget (KqlMagics.record_budget)"
        return "its file is gone"

    def is_evicted(self, kept: KeptTable) -> bool:
        """Whether the table was taken away to stay within the budget."""
        return self._mark(kept.sha256).exists()

    def file_hash(self, kept: KeptTable) -> str:
        """The hash of the bytes that the table's file has now."""
        return file_hash(self._path(kept.sha256))

    def size(self, sha256: str) -> int:
        """The bytes on the disk; 0 when it is not there."""
        with suppress(OSError):
            return self._path(sha256).stat().st_size
        return 0

    def evict(self, sha256: str) -> None:
        """Take the table away, and say so by a mark."""
        take(self._mark(sha256))
        self._path(sha256).unlink(missing_ok=True)
        sync_folder(self._folder)

    def remove(self, sha256: str) -> None:
        """Take the table away without a trace."""
        for path in (self._path(sha256), self._mark(sha256)):
            path.unlink(missing_ok=True)
        sync_folder(self._folder)

    def _write(self, table: pa.Table, path: Path) -> str:
        import pyarrow.parquet as pq

        with replacing(path) as temporary:
            pq.write_table(table, temporary, compression="zstd", compression_level=1, write_statistics=False)
            return file_hash(temporary)

    def _path(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.parquet"

    def _mark(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.evicted"


def described(table: pa.Table, sha256: str, file_sha256: str = "", size: int = 0) -> KeptTable:
    """What a record says of a table."""
    columns = tuple((field.name, kql_type(field)) for field in table.schema)
    return KeptTable(table.num_rows, columns, sha256, file_sha256, size)
