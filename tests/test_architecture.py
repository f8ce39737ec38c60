"""The house stands: imports point one way, heavy libraries stay in their rooms, loading imports almost nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "kqlmagic_ext"
MODULES = sorted(PACKAGE.rglob("*.py"))
LEVELS = [
    {"errors", "interrupts"},
    {"values", "query"},
    {"frames", "frontend", "kql"},
    {"connections", "display", "languages", "record", "packs"},
    {"magics", "emulator"},
]
HOMES: dict[str, str | tuple[str, ...]] = {
    "IPython": "magics",
    "anywidget": "magics/relay.py",
    "duckdb": "connections/local",
    "duckdb_kql": "connections/local",
    "azure": ("connections/log_analytics", "emulator/client.py"),  # the client that is given for an emulator
    "altair": "display/chart",
    "tsdownsample": "display/chart",
    "vl_convert": "display/chart",
    "aiohttp": ("connections/log_analytics", "emulator"),
    "cryptography": "emulator",
    "nbconvert": "record/report/notebook.py",
    "nbformat": "record/report/notebook.py",
    "yaml": "packs",
    "pytest": "packs/pytest_plugin.py",
    "hatchling": "frontend/build.py",  # runs in a build alone
    "pythonnet": "kql/language_service/dotnet.py",
    "clr_loader": "kql/language_service/dotnet.py",
    "clr": "kql/language_service/dotnet.py",
    "Kusto": "kql/language_service/dotnet.py",
    "System": "kql/language_service/dotnet.py",
}
HEAVY = [
    "pandas", "duckdb", "duckdb_kql", "pyarrow", "numpy", "azure", "orjson", "aiohttp", "cryptography",
    "anywidget", "ipywidgets", "altair", "tsdownsample", "vl_convert", "pythonnet", "clr_loader", "clr", "yaml",
]  # fmt: skip


def room(path: Path) -> str:
    """The top-level module or folder of the package that a file belongs to."""
    part = path.relative_to(PACKAGE).parts[0]
    return part.removesuffix(".py")


def level(name: str) -> int:
    return next(number for number, rooms in enumerate(LEVELS) if name in rooms)


def imports(path: Path) -> list[str]:
    """Every module that the file imports, anywhere; what is imported for types alone is no dependency."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found.append(str(node.module))
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down_and_never_sideways(path: Path) -> None:
    if path.name == "__init__.py" and path.parent == PACKAGE:
        return
    for name in imports(path):
        parts = name.split(".")
        if parts[0] != "kqlmagic_ext" or len(parts) < 2 or parts[1] == room(path):
            continue
        assert level(parts[1]) < level(room(path)), f"{room(path)} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_heavy_library_is_imported_in_its_home_alone(path: Path) -> None:
    place = path.relative_to(PACKAGE).as_posix()
    for name in imports(path):
        home = HOMES.get(name.split(".")[0])
        homes = (home,) if isinstance(home, str) else home
        assert not homes or place.startswith(homes) or place == "__init__.py", f"{place} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_command_of_packs_alone_takes_connect_from_the_face(path: Path) -> None:
    """`python -m kqlmagic_ext.packs` opens connections, which its room may not import."""
    tree = ast.parse(path.read_text("utf-8"))
    face = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "kqlmagic_ext"
        for alias in node.names
    }
    assert ("connect" in face) == (path == PACKAGE / "packs" / "__main__.py")


def loaded_after(code: str) -> list[str]:
    check = f"import sys\n{code}\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    found: list[str] = ast.literal_eval(done.stdout.strip().splitlines()[-1])
    return found


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_after("import kqlmagic_ext; assert 'IPython' not in sys.modules") == []


def test_loading_the_extension_leaves_alone_what_only_some_cells_need() -> None:
    code = (
        "import sys\nfrom IPython.core.interactiveshell import InteractiveShell\n"
        "InteractiveShell.instance().run_line_magic('load_ext', 'kqlmagic_ext')\n"
        "rooms = ('frames', 'frontend', 'display.browser', 'display.chart', 'languages.powershell', 'languages.javascript', 'connections.local')\n"
        "print([room for room in rooms if f'kqlmagic_ext.{room}' in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_loading_the_extension_loads_nothing_heavy() -> None:
    shell = (
        "from IPython.core.interactiveshell import InteractiveShell\nshell = InteractiveShell.instance()\n"
    )
    assert loaded_after(f"{shell}shell.run_line_magic('load_ext', 'kqlmagic_ext')") == []


def test_a_query_does_load_them() -> None:
    code = "import kqlmagic_ext as k\nk.connect('local://').run(k.Query('print 1'))"
    assert set(loaded_after(code)) >= {"pandas", "duckdb", "pyarrow"}


def test_the_face_is_what_all_names() -> None:
    import kqlmagic_ext

    assert sorted(kqlmagic_ext.__all__) == kqlmagic_ext.__all__
    assert all(hasattr(kqlmagic_ext, name) for name in kqlmagic_ext.__all__)


def test_the_version_stands_in_the_changelog() -> None:
    import kqlmagic_ext

    assert f"## {kqlmagic_ext.__version__} " in (PACKAGE.parent / "CHANGELOG.md").read_text("utf-8")
