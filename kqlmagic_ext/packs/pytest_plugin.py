"""pytest takes the tests of `.kql` files for its own when it is called with `--kql`; without, nothing is loaded or collected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kqlmagic_ext.packs.saved import SavedQuery, Test


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--kql`."""
    group = parser.getgroup("kqlmagic_ext")
    group.addoption("--kql", action="store_true", help="run the tests that .kql files carry")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A `.kql` file, when they are asked for."""
    if file_path.suffix != ".kql" or not parent.config.getoption("--kql"):
        return None
    return KqlFile.from_parent(parent, path=file_path)


class Unexpected(Exception):  # noqa: N818 - what a test found
    """What a test found other than it expected."""


class KqlFile(pytest.File):
    """The tests of a `.kql` file."""

    def collect(self) -> Iterator[pytest.Item]:
        """One item a test."""
        from kqlmagic_ext.errors import QueryError
        from kqlmagic_ext.packs import read

        try:
            saved = read(self.path)
        except QueryError as error:
            raise self.CollectError(str(error)) from None
        for test in saved.tests:
            yield KqlTest.from_parent(self, name=test.name, saved=saved, test=test)


class KqlTest(pytest.Item):
    """One test of a `.kql` file."""

    def __init__(self, *, saved: SavedQuery, test: Test, **rest: Any) -> None:
        super().__init__(**rest)
        self._saved, self._test = saved, test

    def runtest(self) -> None:
        """Run it on an embedded workspace."""
        from kqlmagic_ext.packs.__main__ import run

        outcome = run(self._saved, self._test)
        if outcome.problems:
            raise Unexpected("\n".join(outcome.problems))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *rest: Any) -> Any:
        """The difference alone, where there is one."""
        if isinstance(excinfo.value, Unexpected):
            return str(excinfo.value)
        return super().repr_failure(excinfo, *rest)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The file and the test's name."""
        return self.path, None, f"{self.path.name}: {self.name}"
