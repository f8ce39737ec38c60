from __future__ import annotations

import os

from kqlmagic_ext.languages.javascript.mixed import Mixed


def test_the_end_of_a_request_alone_wakes_who_reads() -> None:
    """Else a cell that wrote nothing would wait for its stderr until patience ends."""
    reading, writing = os.pipe()
    mixed = Mixed(open(reading, "rb"), "MARK")  # noqa: PTH123, SIM115 - read closes it
    parts = mixed.read()
    os.write(writing, b"MARK@5\n")
    assert next(parts) == ""
    assert (mixed.belongs, mixed.ended) == (5, 0)
    os.write(writing, b"MARK@\n")
    assert next(parts) == ""
    assert (mixed.belongs, mixed.ended) == (None, 1)
    os.close(writing)
    assert list(parts) == []
