"""The build hook: what it brings from npm, when it need not, and what it says where it cannot."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from kqlmagic_ext.frontend import FOLDER, library

ROOT = FOLDER.parents[1]
CLOSED = "http://127.0.0.1:1/"
SHIPPED = {
    "__init__.py",
    "frame.js",
    "built/Arrow.es2015.min.js",
    "built/d3.min.js",
    "built/licences.txt",
    "built/made_from.sha256",
    "built/plot.umd.min.js",
}
IN_THE_FILES = [
    "@observablehq/plot", "apache-arrow", "binary-search-bounds", "d3", "d3-array", "d3-selection", "delaunator",
    "flatbuffers", "internmap", "interval-tree-1d", "isoformat", "json-with-bigint", "robust-predicates", "tslib",
]  # fmt: skip


def copy_of_the_checkout(folder: Path) -> Path:
    """What git holds of the package, without anything built."""
    folder.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, folder)
    unwanted = shutil.ignore_patterns("__pycache__", "built", "node_modules")
    shutil.copytree(ROOT / "kqlmagic_ext", folder / "kqlmagic_ext", ignore=unwanted)
    return folder


def pip(*arguments: str | Path, empty: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run pip; `empty`: a folder, where npm finds nothing that it brought before, and its registry is a closed port."""
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    if empty is not None:
        environment |= {"npm_config_registry": CLOSED, "npm_config_cache": str(empty)}
    command = [sys.executable, "-m", "pip", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def files_of(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        prefix = "kqlmagic_ext/frontend/"
        return {name.removeprefix(prefix) for name in archive.namelist() if name.startswith(prefix)}


def the_wheel(folder: Path) -> Path:
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_the_checkout(tmp_path_factory.mktemp("checkout") / "kqlmagic_ext")


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a checkout, made by pip alone, in an environment of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    done = pip("wheel", "--no-deps", "-w", folder, checkout)
    assert not done.returncode, done.stdout + done.stderr
    return the_wheel(folder)


@pytest.fixture(scope="module")
def sdist(checkout: Path, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert wheel
    folder = tmp_path_factory.mktemp("sdist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(folder)]
    subprocess.run(command, cwd=checkout, check=True, capture_output=True)
    (archive,) = folder.glob("*.tar.gz")
    return archive


@pytest.mark.slow
def test_pip_alone_makes_a_wheel_that_holds_the_libraries_and_nothing_else(wheel: Path) -> None:
    assert files_of(wheel) == SHIPPED
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        starts = {
            name: archive.read(f"kqlmagic_ext/frontend/built/{name}")[:400].decode()
            for name in ("d3.min.js", "plot.umd.min.js", "Arrow.es2015.min.js")
        }
    assert not [name for name in names if "node_modules" in name]
    assert "d3js.org v7" in starts["d3.min.js"]
    assert "@observablehq/plot v0.6" in starts["plot.umd.min.js"]
    assert "Apache Software Foundation" in starts["Arrow.es2015.min.js"]


@pytest.mark.slow
def test_the_wheel_holds_the_licences_of_what_is_in_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read("kqlmagic_ext/frontend/built/licences.txt").decode()
    heads = re.findall(r"^-{80}\n\n(\S+) [0-9.]+\n", text, re.MULTILINE)
    assert set(IN_THE_FILES) <= set(heads)
    assert not {"commander", "iconv-lite", "@types/node"} & set(heads)
    assert text.count("Permission") >= len(heads) - 5
    assert "Apache License" in text
    assert "The Apache Software Foundation (http://www.apache.org/)" in text  # Arrow's notice


@pytest.mark.slow
def test_a_build_leaves_nothing_in_the_checkout_but_what_it_built(checkout: Path, wheel: Path) -> None:
    assert wheel
    found = {path.relative_to(checkout).as_posix() for path in checkout.rglob("*") if path.is_file()}
    kept = {path for path in found if "__pycache__" not in path}
    before = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "kqlmagic_ext").rglob("*")
        if path.is_file() and "built" not in path.parts and "__pycache__" not in path.parts
    } | {"pyproject.toml", "README.md", "LICENSE", ".gitignore"}
    assert {path.removeprefix("kqlmagic_ext/frontend/") for path in kept - before} <= SHIPPED


@pytest.mark.slow
def test_what_is_built_is_kept_until_a_source_changes(checkout: Path, wheel: Path, tmp_path: Path) -> None:
    assert wheel
    stamp = checkout / "kqlmagic_ext" / "frontend" / "built" / "made_from.sha256"
    made = stamp.stat().st_mtime_ns
    here = ("wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path, checkout)
    done = pip(*here, empty=tmp_path / "cache")
    assert not done.returncode, done.stdout + done.stderr
    assert stamp.stat().st_mtime_ns == made
    lock = checkout / "kqlmagic_ext" / "frontend" / "package-lock.json"
    text = lock.read_text("utf-8")
    lock.write_text(text + "\n", "utf-8")
    try:
        assert "could not be fetched" in pip(*here, empty=tmp_path / "cache").stderr
    finally:
        lock.write_text(text, "utf-8")


@pytest.mark.slow
def test_an_sdist_installs_without_npm(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("kqlmagic_ext/frontend/")[2] for name in archive.getnames()}
    assert names > SHIPPED | {".npmrc", "build.py", "package.json", "package-lock.json"}
    done = pip("wheel", "-v", "--no-deps", "-w", tmp_path, sdist, empty=tmp_path / "cache")
    assert not done.returncode, done.stdout + done.stderr
    assert "nodejs" not in done.stdout  # there is nothing to fetch, so Node is no requirement of this build
    assert files_of(the_wheel(tmp_path)) == files_of(wheel)


@pytest.mark.slow
def test_without_the_registry_a_plain_install_fails_with_one_sentence(tmp_path: Path) -> None:
    checkout = copy_of_the_checkout(tmp_path / "kqlmagic_ext")
    done = pip("wheel", "--no-deps", "-w", tmp_path, checkout, empty=tmp_path / "cache")
    assert done.returncode
    said = re.findall(r"^ *The browser libraries .*$", done.stderr, re.MULTILINE)
    assert len(said) == 1
    assert "ECONNREFUSED" in said[0]
    assert "[1 lines of output]" in done.stderr
    assert not (checkout / "kqlmagic_ext" / "frontend" / "built").exists()


@pytest.mark.slow
def test_without_the_registry_an_editable_install_warns_and_goes_on(tmp_path: Path) -> None:
    checkout = copy_of_the_checkout(tmp_path / "kqlmagic_ext")
    venv.create(tmp_path / "venv", symlinks=True)
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    done = pip("--python", python, "install", "-v", "--no-deps", "-e", checkout, empty=tmp_path / "cache")
    assert not done.returncode, done.stdout + done.stderr
    assert "%%browser cells will say that they are missing" in done.stderr
    extension = tmp_path / "venv" / "share" / "jupyter" / "labextensions" / "kqlmagic-ext"
    assert list(extension.glob("static/*/remoteEntry.js"))  # cells have their colours all the same
    code = """
from kqlmagic_ext.frontend import has_library, library
from kqlmagic_ext import LanguageError
assert has_library("frame") and library("frame")
assert not has_library("plot")
try:
    library("plot")
except LanguageError as error:
    print(error)
"""
    said = subprocess.run([python, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said.stdout.startswith("the browser library 'plot' is missing: kqlmagic_ext was installed where")
    assert said.stdout.count("\n") == 1


def test_the_lock_file_names_no_registry_and_every_package_has_its_hash() -> None:
    lock = json.loads((FOLDER / "package-lock.json").read_text("utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert not [name for name, package in packages.items() if "resolved" in package]
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())


def test_the_libraries_are_read_as_text() -> None:
    assert library("d3").startswith("// https://d3js.org")
    assert library("plot").startswith("// @observablehq/plot")
    assert "Arrow" in library("arrow")
    assert library("frame").rstrip().endswith("})")
