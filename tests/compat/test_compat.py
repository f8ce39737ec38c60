"""Each operation of each library works on every frame, or by the cure that the table tells."""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.compat.frames import KINDS, answered_frames
from tests.compat.operations import OPERATIONS, Operation

_NAMES = {
    "pd": "pandas", "np": "numpy", "pickle": "pickle", "scipy": "scipy.stats", "plt": "matplotlib.pyplot", "px": "plotly.express",
    "hv": "holoviews", "sns": "seaborn", "sm": "statsmodels.api", "nx": "networkx", "pl": "polars", "duckdb": "duckdb",
    "sqlalchemy": "sqlalchemy", "torch": "torch", "tf": "tensorflow",
}  # fmt: skip


def installed(library: str) -> bool:
    return importlib.util.find_spec(library) is not None


def names_for(operation: Operation) -> dict[str, Any]:
    if installed("matplotlib"):
        importlib.import_module("matplotlib").use("Agg")
    used = {short: full for short, full in _NAMES.items() if f"{short}." in operation.code}
    names = {short: importlib.import_module(full) for short, full in used.items()}
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
    """"works", or what the library says."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries' own, of themselves and of each other
        names = names_for(operation)
        try:
            eval(operation.code, {**names, "frame": frame, "folder": folder})  # noqa: S307 - code of this folder
        except Exception as error:  # noqa: BLE001 - any refusal of a library is a cell of the table
            return f"{type(error).__name__}: {error}".splitlines()[0][:90]
    return "works"


@pytest.fixture(scope="module")
def frames() -> dict[str, Any]:
    return answered_frames()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: f"{operation.library}-{operation.name}")
def test_the_operation_works_or_its_cure_does(operation: Operation, frames: dict[str, Any], tmp_path: Path) -> None:
    if not installed(operation.library):
        print(f"| {operation.library} | {operation.name} | not installed |")  # noqa: T201 - a row of the table
        pytest.skip(f"{operation.library} is not installed")
    plain = {kind: outcome(operation, frames[kind].copy(), tmp_path) for kind in KINDS}
    print(f"| {operation.library} | {operation.name} | {' | '.join(plain.values())} | {operation.cure} |")  # noqa: T201
    if not operation.cure:
        assert plain == dict.fromkeys(KINDS, "works")
        return
    assert set(plain.values()) != {"works"}, "a cure that nothing needs"
    for kind in KINDS:
        cured = eval(operation.cure, {"frame": frames[kind]})  # noqa: S307 - code of this folder
        assert outcome(operation, cured, tmp_path) == "works", kind
