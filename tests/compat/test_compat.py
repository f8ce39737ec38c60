"""Each operation of each library works on every frame, or by the cure that the table tells."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.compat.frames import KINDS, answered_frames
from tests.compat.operations import OPERATIONS, Operation

_NAMES = {
    "pd": "pandas", "np": "numpy", "pickle": "pickle", "scipy": "scipy.stats", "plt": "matplotlib.pyplot", "px": "plotly.express",
    "hv": "holoviews", "sns": "seaborn", "sm": "statsmodels.api", "nx": "networkx", "pl": "polars", "duckdb": "duckdb",
    "sqlalchemy": "sqlalchemy", "torch": "torch", "tf": "tensorflow", "keras": "keras", "alt": "altair",
}  # fmt: skip


PAGE = Path(__file__).parents[2] / "examples" / "other_libraries.md"
HEAVY = ("torch", "tensorflow", "keras")
ALWAYS = {"pd": "pandas", "np": "numpy", "json": "json"}
SAID = {"works", "cure", "needs rows"}


def installed(library: str) -> bool:
    return importlib.util.find_spec(library) is not None


def names_for(operation: Operation) -> dict[str, Any]:
    if installed("matplotlib"):
        importlib.import_module("matplotlib").use("Agg")
    used = {short: full for short, full in _NAMES.items() if f"{short}." in operation.code}
    names = {short: importlib.import_module(full) for short, full in {**ALWAYS, **used}.items()}
    if operation.library == "hvplot":
        importlib.import_module("hvplot.pandas")  # it gives frames the method
    if operation.library == "sqlalchemy":
        names["engine"] = importlib.import_module("sqlalchemy").create_engine("sqlite://")
    if "scipy" in names:
        names["scipy"] = importlib.import_module("scipy")
    if operation.library == "sklearn":
        for part in ("preprocessing", "ensemble"):
            importlib.import_module(f"sklearn.{part}")
        names["sklearn"] = importlib.import_module("sklearn")
    if operation.library == "holoviews":
        names["hv"].extension("matplotlib")
    return names


def outcome(operation: Operation, frame: Any, folder: Path) -> str:
    """ "works", or what the library says."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries' own, of themselves and of each other
        names = {**names_for(operation), "frame": frame, "folder": folder}
        try:
            names["found"] = eval(operation.code, names)  # noqa: S307 - code of this folder
            if not eval(operation.holds, names):  # noqa: S307
                return f"not so: {operation.holds}"
        except Exception as error:  # noqa: BLE001 - any refusal of a library is a cell of the table
            return f"{type(error).__name__}: {error}".splitlines()[0][:90]
    return "works"


@pytest.fixture(scope="module")
def frames() -> dict[str, Any]:
    return answered_frames()


def cell(operation: Operation, frame: Any, kind: str, folder: Path) -> str:
    """What stands in the table: "works", "cure", "needs rows"; anything else is a refusal that the page does not tell."""
    said = outcome(operation, frame, folder)
    if said == "works":
        return said
    if kind == "empty" and operation.needs_rows:
        return "needs rows"
    if operation.cure:
        cured = eval(operation.cure, {"frame": frame, "json": json, "pd": importlib.import_module("pandas")})  # noqa: S307 - code of this folder
        return "cure" if outcome(operation, cured, folder) == "works" else said
    return said


def row(operation: Operation, cells: list[str]) -> str:
    code = operation.code.replace("|", "\\|")
    return f"| {operation.library} | `{code}` | {' | '.join(cells)} | {f'`{operation.cure}`' if operation.cure else '–'} |"


@pytest.mark.parametrize(
    "operation", OPERATIONS, ids=lambda operation: f"{operation.library}-{operation.name}"
)
def test_the_operation_works_or_the_page_tells_its_cure(
    operation: Operation, frames: dict[str, Any], tmp_path: Path
) -> None:
    if not installed(operation.library):
        print(row(operation, ["not installed"] * len(KINDS)))  # noqa: T201 - a row of the table
        assert not os.environ.get("KQLMAGIC_CI") or operation.library in HEAVY
        pytest.skip(
            f"{operation.library} is not installed"
        )  # CI fails in the line above, but for the heavy ones
    found = row(operation, [cell(operation, frames[kind].copy(), kind, tmp_path) for kind in KINDS])
    print(found)  # noqa: T201
    assert found in PAGE.read_text("utf-8").splitlines()


def test_the_page_has_a_row_for_each_operation_and_no_other_word() -> None:
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ") and "`" in line]
    assert len(rows) == len(OPERATIONS)
    cells = [set(line.split("` | ", 1)[1].split(" | ")[:-1]) for line in rows]
    assert set().union(*cells) <= SAID
