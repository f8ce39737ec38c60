"""The bridge's script and the Python side agree on every message: both are read, and neither is run."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
import tree_sitter
import tree_sitter_powershell

from kqlmagic_ext.languages.powershell import PowerShellSession, starting
from tests.languages import fake_bridge

FOLDER = Path(starting.__file__).parent
SCRIPTS = ("bridge.ps1", "bridge_data.ps1", "bridge_session.ps1")
FILES = (*SCRIPTS, "bridge_data.cs")
# What the grammar does not know, and PowerShell does: a comparison, and commands whose arguments call methods.
GRAMMAR_GAPS = ("-cnotin ", "New-Object ")


@cache
def tree(name: str) -> tree_sitter.Node:
    language = tree_sitter.Language(tree_sitter_powershell.language())
    return tree_sitter.Parser(language).parse((FOLDER / name).read_bytes()).root_node


def nodes(node: tree_sitter.Node, kind: str | None = None) -> Iterator[tree_sitter.Node]:
    if kind in (None, node.type):
        yield node
    for child in node.children:
        yield from nodes(child, kind)


def text(node: tree_sitter.Node) -> str:
    return (node.text or b"").decode()


def function(script: str, name: str) -> tree_sitter.Node:
    return next(
        node for node in nodes(tree(script), "function_statement") if text(node.children[1]).strip() == name
    )


def entries(literal: tree_sitter.Node) -> dict[str, str]:
    """The keys of a hash literal, and the text of their values."""
    own = [entry for entry in nodes(literal, "hash_entry") if entry.parent and entry.parent.parent == literal]
    return {text(entry.children[0]).strip(): text(_value(entry)).strip().strip("'") for entry in own}


def _value(entry: tree_sitter.Node) -> tree_sitter.Node:
    return [child for child in entry.children if text(child).strip(" ;")][-1]


def literals(script: str) -> list[dict[str, str]]:
    return [entries(node) for node in nodes(tree(script), "hash_literal_expression")]


def sent() -> dict[str, set[str]]:
    """The fields of each event that the bridge sends."""
    found: dict[str, set[str]] = defaultdict(set)
    for literal in literals("bridge.ps1"):
        if "event" in literal:
            found[literal["event"]] |= set(literal)
    return found


def record_fields() -> set[str]:
    """The fields of a record besides those of all events: literals and assignments to `$record`."""
    source = (FOLDER / "bridge_session.ps1").read_text("ascii")
    return sent()["record"] | set(re.findall(r"\$record\.(\w+) =", source)) | {"stream"}


def fields_after(script: str, function_name: str, key: str) -> set[str]:
    """The keys of the hash literal in a function that has the key."""
    found = [
        entries(node)
        for node in nodes(function(script, function_name), "hash_literal_expression")
        if key in entries(node)
    ]
    return set(found[0])


def handled() -> set[str]:
    """The operations that the bridge understands."""
    clauses = nodes(function("bridge.ps1", "Invoke-Request"), "switch_clause")
    return {text(clause.children[0]).strip("'") for clause in clauses} - {"", "default"}


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Each call of the Python side that sends a request, and its operation."""
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                is_request = node.func.attr in ("_ask", "ask", "try_ask", "tell") and node.args
                if is_request and isinstance(node.args[0], ast.Constant):
                    yield str(node.args[0].value), node


REQUEST_FIELDS = {
    "run": {"code", "width"},
    "get": {"name", "path", "shape"},
    "set": {"name", "path"},
    "complete": {"code", "cursor"},
}
# What each variable with a subscript holds, by module, function and name.
READ: dict[tuple[str, str, str], str] = {
    ("session", "version", "hello"): "hello",
    ("session", "push", "answer"): "stored",
    ("session", "_get", "answer"): "got",
    ("session", "pull", "lost"): "lost",
    ("session", "variables", "each"): "variable",
    ("session", "_learn", "answer"): "variables",
    ("session", "_learn", "each"): "variable",
    ("session", "_outcome", "done"): "done",
    ("session", "_size", "told"): "variable",
    ("streams", "hear", "record"): "record",
    ("streams", "_error", "record"): "record",
    ("streams", "_error", "told"): "error",
    ("streams", "_advance", "record"): "record",
    ("streams", "_line", "record"): "record",
    ("streams", "_notes", "done"): "done",
    ("completion", "found", "answer"): "completions",
    ("completion", "found", "match"): "match",
    ("receiving", "raise_lost", "lost"): "lost",
    ("session", "variables", "a call"): "variables",
    ("session", "_get", "hello"): "hello",
    ("session", "_leave", "hello"): "hello",
    ("starting", "_check_hello", "hello"): "hello",
    ("places", "script_error", "told"): "error",
    ("places", "_place", "told"): "error",
    ("places", "_problem", "problem"): "problem",
}
OF_ENVELOPES = {"envelope", "column", "columns"}
OF_OTHERS = {"ends", "environ", "LIMITS"}  # Arrow's, the system's, and our own
ENVELOPE_KEYS = {"kind", "type", "value", "columns", "rows", "name", "encoding"}


def told() -> dict[str, set[str]]:
    """The fields that the bridge gives, by what they belong to."""
    bridge = sent()
    return {
        **bridge,
        "record": record_fields(),
        "error": fields_after("bridge_session.ps1", "Get-BridgeError", "stack"),
        "problem": fields_after("bridge_session.ps1", "Get-BridgeError", "incomplete"),
        "variable": fields_after("bridge_session.ps1", "Get-BridgeVariable", "kind"),
        "match": fields_after("bridge_session.ps1", "Get-BridgeCompletion", "list"),
        "lost": fields_after("bridge_data.ps1", "Write-BridgeData", "getters"),
    }


def holder(node: ast.expr) -> str | None:
    """The name of what is read: a variable, an attribute, or the answer of a call."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    return "a call" if isinstance(node, ast.Call) else None


def read_fields() -> Iterator[tuple[tuple[str, str, str], str]]:
    """Each field that the Python side reads by `[…]` or `.get(…)`: of what, and which."""
    for path in FOLDER.glob("*.py"):
        for definition in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(definition, ast.FunctionDef):
                continue
            for node in ast.walk(definition):
                where, key = None, None
                if isinstance(node, ast.Subscript):
                    where, key = holder(node.value), node.slice
                elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                    where = holder(node.func.value) if node.func.attr == "get" else None
                    key = node.args[0]
                if where is not None and isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield (path.stem, definition.name, where), key.value


@pytest.mark.parametrize("name", FILES)
def test_the_bridges_files_are_ascii(name: str) -> None:
    """Windows PowerShell reads a script without a mark in the machine's code page."""
    assert (FOLDER / name).read_bytes().isascii()


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_scripts_can_be_read_but_for_what_the_grammar_does_not_know(name: str) -> None:
    lines = (FOLDER / name).read_text("ascii").splitlines()
    wrong = [node.start_point.row for node in nodes(tree(name)) if node.type == "ERROR" or node.is_missing]
    assert [lines[row] for row in wrong if not any(gap in lines[row] for gap in GRAMMAR_GAPS)] == []
    assert len(wrong) <= 3


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_scripts_use_nothing_that_windows_powershell_lacks(name: str) -> None:
    code = re.sub(r"#.*|'[^'\n]*'", "", (FOLDER / name).read_text("ascii"))
    assert not re.search(r"\?\?|\?\.\w|&&|\|\||-Parallel|\s\? [^{]*\s: ", code)


def test_every_request_that_python_sends_is_understood_with_its_fields() -> None:
    seen = set()
    for op, call in calls():
        seen.add(op)
        fields = {str(keyword.arg) for keyword in call.keywords}
        assert op in handled()
        assert fields <= REQUEST_FIELDS.get(op, set()), op
    assert seen == handled()
    source = (FOLDER / "bridge.ps1").read_text("ascii")
    for field in set().union(*REQUEST_FIELDS.values()):
        assert f"$Request.{field}" in source


def test_the_fake_understands_the_same_requests() -> None:
    own = {name for name, value in vars(fake_bridge.Script).items() if callable(value)}
    assert handled() - {"stop", "ping"} <= own


def test_every_field_that_python_reads_is_sent() -> None:
    fields, used = told(), set()
    for where, key in read_fields():
        known = READ.get(where)
        if known is None:
            assert where[2] in OF_ENVELOPES | OF_OTHERS, f"{where} reads {key!r} of what nobody described"
            assert where[2] in OF_OTHERS or key in ENVELOPE_KEYS
        else:
            used.add(where)
            assert key in fields[known], f"{where} reads {key!r}, which no {known} has"
    assert used == set(READ)


def test_every_stream_of_the_bridge_is_shown() -> None:
    source = (FOLDER / "bridge_session.ps1").read_text("ascii")
    assert (
        "'Record', '').ToLowerInvariant()" in source
    )  # the streams are named by the classes of their records
    named = set(re.findall(r"\$stream = '(\w+)'", source)) | set(
        re.findall(r"stream = '(\w+)'", (FOLDER / "bridge.ps1").read_text("ascii"))
    )
    assert named == {"host", "output", "progress"}
    shown = {
        node.value
        for node in ast.walk(ast.parse((FOLDER / "streams.py").read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert {"host", "progress", "error", "warning", "verbose", "debug", "information"} <= shown


def error_codes() -> set[str]:
    source = (FOLDER / "bridge.ps1").read_text("ascii")
    plain = re.findall(r"Send-Error \S+ '(\w+)'", source)
    chosen = re.findall(r"\{ '(stopped|get_failed|set_failed|bad_data)' \}", source)
    return {*plain, *chosen}


def test_every_error_code_that_python_knows_is_one_of_the_bridge() -> None:
    codes = error_codes()
    assert codes == {
        "bad_request", "busy", "bad_name", "no_variable", "get_failed", "set_failed", "bad_data", "stopped", "internal",
    }  # fmt: skip
    source = (FOLDER / "session.py").read_text("utf-8")
    said = set(re.findall(r'"((?:no|bad|set|get)_\w+|stopped|busy)"', source)) - {"no_text"}
    assert said <= codes
    assert said >= {"no_variable", "bad_name", "busy", "bad_data", "set_failed"}


def test_states_of_a_runs_end_are_those_of_net() -> None:
    source = (FOLDER / "bridge.ps1").read_text("ascii")
    assert '$shell.InvocationStateInfo.State)".ToLowerInvariant()' in source
    python = (FOLDER / "session.py").read_text("utf-8")
    assert set(re.findall(r'done\["state"\] == "(\w+)"', python)) == {"stopped", "failed"}


def test_the_settings_that_python_sends_are_read_and_its_limits_known() -> None:
    source = (FOLDER / "bridge.ps1").read_text("ascii")
    [defaults] = [
        literal for literal in literals("bridge.ps1") if "matches" in literal and "event" not in literal
    ]
    assert set(starting.LIMITS) == set(defaults)
    assert all(0 < limit < 2**31 for limit in starting.LIMITS.values())  # the bridge reads them as Int32
    written = ast.parse((FOLDER / "starting.py").read_text("utf-8"))
    [settings] = [
        node.value
        for node in ast.walk(written)
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and node.target.id == "settings"
    ]
    assert isinstance(settings, ast.Dict)
    for key in settings.keys:
        assert isinstance(key, ast.Constant)
        assert f"$config.{key.value}" in source


def test_protocol_and_exit_statuses_are_the_same() -> None:
    source = (FOLDER / "bridge.ps1").read_text("ascii")
    assert f"$ProtocolVersion = {starting.PROTOCOL}" in source
    lines = [line.strip() for line in source.splitlines()]
    fatal = {
        re.search(r"BRIDGE-FATAL ([\w-]+)", f"{line} {following}"): re.search(
            r"exit (\d)", f"{line} {following}"
        )
        for line, following in pairwise(lines)
        if "BRIDGE-FATAL" in line
    }
    statuses = {found[1]: int(status[1]) for found, status in fatal.items() if found and status}
    assert statuses == {
        "language-mode": starting._LOCKED,
        "config": starting._BAD_SETTINGS,
        "connect": starting._NO_LINE,
    }


def test_the_files_lie_beside_each_other_as_the_script_wants_them() -> None:
    source = (FOLDER / "bridge.ps1").read_text("ascii")
    named = set(re.findall(r"Join-Path \$PSScriptRoot '([\w.]+)'", source))
    assert named | {"bridge.ps1"} == set(FILES)
    assert all((FOLDER / name).exists() for name in FILES)
    assert PowerShellSession.__module__.startswith("kqlmagic_ext.languages.powershell")
