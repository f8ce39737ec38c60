"""What of JavaScript comes with the package: the browser libraries that its build brought from npm, and `frame.js`.

`library("d3")`, `"plot"`, `"arrow"` and `"frame"` give the text of a script. D3, Plot and Arrow are UMD: as a plain
`<script>` they make `d3`, `Plot` and `Arrow`. `frame.js` is one function expression, which is called with Arrow or
without; its comments say what it gives.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from kqlmagic_ext.errors import LanguageError

FOLDER = Path(__file__).parent
FILES = {
    "frame": "frame.js",
    "d3": "built/d3.min.js",
    "plot": "built/plot.umd.min.js",
    "arrow": "built/Arrow.es2015.min.js",
}


@cache
def library(name: str) -> str:
    """The text of a script.

    Raises
    ------
    LanguageError
        When the installation lacks it: says how to get it.
    """
    try:
        return (FOLDER / FILES[name]).read_text("utf-8")
    except FileNotFoundError as error:
        raise LanguageError(
            f"the browser library {name!r} is missing: kqlmagic_ext was installed where npm's registry could not be "
            "reached; install it again where it can, by `pip install -e .` in the checkout or from a wheel",
            language="javascript",
        ) from error


def has_library(name: str) -> bool:
    """Whether the installation has it."""
    return (FOLDER / FILES[name]).is_file()
