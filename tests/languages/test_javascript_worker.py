"""The worker's own house: what it takes from the realm, its marks between plain text, and what its programs inherit."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from pathlib import Path
from typing import IO, Any, Self

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kqlmagic_ext import LanguageError
from kqlmagic_ext.languages.javascript.beside import Errors
from kqlmagic_ext.languages.javascript.mixed import Mixed
from kqlmagic_ext.languages.javascript.runtimes import WORKER
from tests.languages.javascript_lab import NODES, RUNTIMES, Shown, failure, run, started, value

MODULES = sorted(
    path for path in WORKER.glob("*.mjs") if path.name not in ("ear.mjs", "own.mjs", "worker.mjs")
)
BUILTINS = frozenset(
    [
        "Array",
        "ArrayBuffer",
        "Atomics",
        "BigInt",
        "Boolean",
        "Buffer",
        "Date",
        "Deno",
        "Error",
        "Function",
        "Int32Array",
        "JSON",
        "Map",
        "Math",
        "Number",
        "Object",
        "Promise",
        "Proxy",
        "RangeError",
        "Reflect",
        "RegExp",
        "Set",
        "SharedArrayBuffer",
        "String",
        "Symbol",
        "SyntaxError",
        "TextDecoder",
        "TextDecoderStream",
        "TextEncoder",
        "TypeError",
        "URL",
        "Uint8Array",
        "WeakMap",
        "WeakSet",
        "console",
        "globalThis",
        "performance",
        "process",
        "queueMicrotask",
        "setImmediate",
        "setTimeout",
    ]
)
NO_CODE = re.compile(r'(?<!\S)//[^\n]*|/\*[\s\S]*?\*/|"(?:[^"\\\n]|\\.)*"')


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.name))
def test_a_module_takes_from_the_realm_what_it_took_at_the_start(path: Path) -> None:
    """A cell may say `let JSON = 1`: what a module uses of the realm, it imports from own.mjs, and that alone."""
    text = path.read_text("utf-8")
    imported = {
        name.strip()
        for found in re.findall(r'import \{([^}]*)\} from "./own.mjs"', text)
        for name in found.split(",")
    }
    code = re.sub(r"import [^;]*;", "", NO_CODE.sub("", text))
    used = set(re.findall(r"(?<![.\w$])[A-Za-z]\w*(?!\w*:)", code))
    assert used & BUILTINS <= imported
    assert {name for name in imported if name not in used} <= {""}


def test_nothing_is_taken_from_the_realm_that_nobody_needs() -> None:
    text = (WORKER / "own.mjs").read_text("utf-8")
    block = re.search(r"export const \{([^}]*)\} = globalThis", text)
    assert block is not None
    taken = {name.strip() for name in block[1].split(",") if name.strip()}
    others = "".join(path.read_text("utf-8") for path in MODULES)
    unused = {name for name in taken if not re.search(rf"\b{name}\b", others + text.replace(block[0], ""))}
    assert unused == set()


@pytest.mark.parametrize("runtime", NODES)
def test_programs_of_a_cell_inherit_pipes_that_wait(runtime: str) -> None:
    """A pipe that does not wait ends a program such as `yes` with an error as soon as it is full."""
    with started(runtime) as session:
        run(
            session,
            "console.log(1); process.stdout; process.stdin; await import('node:process'); await import('node:console')",
        )
        for number in (0, 1, 2):
            text = Path(f"/proc/{session._child.process.pid}/fdinfo/{number}").read_text()
            flags = int(text.split("flags:")[1].split()[0], 8)
            assert not flags & os.O_NONBLOCK


def test_stderr_without_anything_to_read_is_not_waited_for() -> None:
    """Else each cell would wait until patience ends."""
    reading, writing = os.pipe()
    heard = threading.Event()
    asked: Any = type(
        "Conversation", (), {"put": lambda _, message: heard.wait(5) and taken.append(message["text"])}
    )()
    taken: list[str] = []
    errors = Errors(open(reading, "rb"), asked, lambda: 5)  # noqa: PTH123, SIM115 - it closes what it reads
    assert not errors._is_behind()
    os.write(writing, b"words")
    assert errors._is_behind()  # until they are given on
    heard.set()
    errors.settle()
    assert taken == ["words"]
    assert not errors._is_behind()
    os.close(writing)
    assert errors.text() == "words"


# ---------------------------------------------------------------- marks

MARK = "\x1e0123"
PARTS = st.lists(
    st.one_of(
        st.text(max_size=20).filter(lambda text: "\x1e" not in text).map(lambda text: ("text", text)),
        st.dictionaries(st.text(max_size=3), st.text(max_size=9), max_size=2).map(
            lambda found: ("message", found)
        ),
        st.sampled_from([("belongs", 5), ("belongs", 12), ("belongs", None)]),
        st.sampled_from([("text", "\x1e"), ("text", "\x1e0"), ("text", "\x1e012\n"), ("text", "\x1e\x1e01")]),
    ),
    max_size=12,
)


def lines_of(kind: str, body: Any, size: int) -> bytes:
    """A part as the worker writes it; a message in pieces of so many bytes."""
    if kind == "text":
        return str(body).encode()
    if kind == "belongs":
        return f"{MARK}@{'' if body is None else body}\n".encode()
    text = json.dumps(body).encode()
    if len(text) <= size:
        return MARK.encode() + b"." + text + b"\n"
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    letters = [b"(", *[b"+"] * (len(pieces) - 2), b")"]
    return b"".join(
        MARK.encode() + letter + piece + b"\n" for letter, piece in zip(letters, pieces, strict=True)
    )


class Chunks:
    """A stream that gives its bytes in chunks of our choice."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, data: bytes, sizes: list[int]) -> None:
        self.data, self.sizes = data, sizes
        monkeypatch.setattr("kqlmagic_ext.languages.javascript.mixed.os.read", self.read)

    def read(self, _: int, __: int) -> bytes:
        size = self.sizes.pop(0) if self.sizes else len(self.data) or 1
        piece, self.data = self.data[:size], self.data[size:]
        return piece

    def fileno(self) -> int:
        return 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@given(parts=PARTS, size=st.integers(2, 30), sizes=st.lists(st.integers(1, 9), max_size=60))
def test_messages_and_text_are_told_apart_however_they_are_cut(
    parts: list[tuple[str, Any]], size: int, sizes: list[int]
) -> None:
    data = b"".join(lines_of(kind, body, size) for kind, body in parts)
    with pytest.MonkeyPatch.context() as monkeypatch:
        stream: Any = Chunks(monkeypatch, data, sizes)
        mixed = Mixed(stream, MARK)
        found = list(mixed.read())
    messages = [json.loads(part) for part in found if isinstance(part, bytes)]
    assert messages == [body for kind, body in parts if kind == "message"]
    text = "".join(part for part in found if isinstance(part, str))
    assert text == "".join(body for kind, body in parts if kind == "text")
    told = [body for kind, body in parts if kind == "belongs"]
    assert mixed.belongs == (told[-1] if told else None)


def test_a_message_that_was_given_up_halfway_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    data = f'{MARK}({{"a":\n{MARK}+1,\n{MARK}.{{"b":2}}\n{MARK}({{"c"\n{MARK}):3}}\n{MARK}({{'.encode()
    stream: Any = Chunks(monkeypatch, data, [])
    read: list[IO[bytes] | Any] = list(Mixed(stream, MARK).read())
    assert read == [b'{"b":2}\n', b'{"c":3}\n']


# ---------------------------------------------------------------- JavaScript's own objects

HARMS = {
    "Object.prototype.toJSON": "Object.prototype.toJSON = () => 1; console.log('said')",
    "Array.prototype.toJSON": "Array.prototype.toJSON = () => 1; console.log('said')",
    "Object.prototype.then": "Object.prototype.then = (f) => f(1); console.log('said')",
    "Object.prototype.stopped": "Object.prototype.stopped = true; console.log('said')",
    "JSON.stringify": "JSON.stringify = () => 'x'; console.log('said')",
    "JSON.parse": "JSON.parse = () => 'x'; console.log('said')",
    "Map.prototype.get": "Map.prototype.get = null; console.log('said')",
    "Set.prototype.add": "console.log('said'); Set.prototype.add = null",
    "Array.prototype.push": "Array.prototype.push = () => 1; console.log('said')",
    "Array.prototype[Symbol.iterator]": "console.log('said'); delete Array.prototype[Symbol.iterator]",
    "Promise.prototype.then": "Promise.prototype.then = () => 1; console.log('said')",
    "Promise.race": "Promise.race = null; await 0; console.log('said')",
    "TypedArray.prototype.subarray": "Object.getPrototypeOf(Uint8Array.prototype).subarray = null; console.log('said')",
    "TextEncoder.prototype.encode": "TextEncoder.prototype.encode = null; console.log('said')",
    "Function.prototype.call": "Function.prototype.call = null; console.log('said')",
}


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_cell_that_breaks_javascript_itself_fails_and_the_session_goes_on(runtime: str) -> None:
    frame = pd.DataFrame({"Host": ["a", "b"], "Count": [1, 2]})
    with started(runtime) as session:
        run(session, "let kept = 41")
        for name, code in HARMS.items():
            said = Shown()
            with pytest.raises(LanguageError) as caught:
                session.run(f"{code}; kept", said)
            assert f"changed JavaScript's own {name}, which its session needs; it was put back" in str(
                caught.value
            )
            assert said.text("stdout") == "said\n"
            assert value(session, "kept + 1") == "42", name
            session.push("frame", frame)
            assert list(session.pull("frame").value["Count"]) == [1, 2]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_what_a_callback_breaks_later_is_put_back_before_the_next_cell(runtime: str) -> None:
    with started(runtime) as session:
        run(session, "setTimeout(() => { Object.prototype.toJSON = () => 1; globalThis.broke = true }, 20)")
        time.sleep(0.2)
        assert "Object.prototype.toJSON" in str(failure(session, "1"))
        assert value(session, "broke") == "true"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_an_error_of_a_cell_that_broke_javascript_is_told_with_what_it_broke(runtime: str) -> None:
    with started(runtime) as session:
        error = failure(session, "Array.prototype.map = null\nthrow new Error('mine')")
        assert error.line == 2
        assert "mine" in str(error)
        assert any("Array.prototype.map" in note for note in error.__notes__)
        assert value(session, "[1].map(String)") == "[ '1' ]"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_what_cannot_be_put_back_ends_the_session_at_once(runtime: str) -> None:
    with started(runtime) as session:
        run(session, "let kept = 41")
        error = failure(session, "Object.defineProperty(Object.prototype, 'toJSON', {value: () => 1}); 3")
        assert "cannot be put back, so the session ends, and the next cell starts a new one" in str(error)
        assert not session.alive
        assert session.known == ("kept",)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_what_harms_nothing_may_be_added_and_replaced(runtime: str) -> None:
    with started(runtime) as session:
        run(session, "Array.prototype.last = function () { return this[this.length - 1] }")
        run(session, "BigInt.prototype.toJSON = function () { return String(this) }")
        run(session, "Date.now = () => 5; Math.random = () => 0.5; Error.stackTraceLimit = 50")
        run(session, "globalThis.Map = class Mine {}; var JSON = 1")
        assert value(session, "[[1, 2].last(), Date.now(), Math.random(), JSON]") == "[ 2, 5, 0.5, 1 ]"
