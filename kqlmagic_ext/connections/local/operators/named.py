"""`as`: a name for what a pipeline has come to; what stands before it becomes a let of the query where the name is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.local.operators.added import Added, unsupported
from kqlmagic_ext.connections.local.private_copy import ir, lower, translate
from kqlmagic_ext.connections.local.rewriting import NO_NAME
from kqlmagic_ext.kql.tokens import code

if TYPE_CHECKING:
    from kqlmagic_ext.connections.local.operators.added import Columns, Lowered, Tables
    from kqlmagic_ext.kql.tokens import Token

_labels_alias = translate._alias_label


@dataclass(frozen=True)
class Named(Added):
    """The rows as they are; a union's withsource shows them under the name."""

    name: str

    def columns(self, given: Columns, tables: Tables) -> Columns:
        return given

    def sql(self, source: str, given: Columns) -> str:
        return f"SELECT * FROM {source}"


def read_as(node: Any) -> Lowered:
    """`as Name` whose name nothing uses changes nothing; a bare `serialize` comes as one, too."""
    if _is_needed(node):
        raise unsupported(node, "as")
    return []


def with_names(head: Any, rest: list[Any]) -> Any:
    """The query in which each `as` whose name is used has become a let; None where there is none."""
    at = [i for i, node in enumerate(rest) if (found := _as_operator(node)) is not None and _is_needed(found)]
    if not at:
        return None
    query = lower._lower_head(head, rest[: at[0]])
    for here, end in zip(at, [*at[1:], len(rest)], strict=True):
        node = _as_operator(rest[here])
        _refuse_hidden_label(node, rest[here + 1 :])
        name = lower._find_names(node)[-1]
        _bind(name, query, node)
        query = ir.Query(ir.TableRef(name), lower._lower_operators(rest[here + 1 : end]))
    return query


def _bind(name: str, query: Any, node: Any) -> None:
    """Let the name be the query, before what is being read; its scalars are those of this place."""
    scope = lower._FN_STATE.get()
    if not scope.expanding and _in_function(node):
        raise unsupported(node, "as")  # the function's arguments are not known yet
    bound = lower._substitute_query(query, lower._pipeline_scope(scope.scalars))
    scope.pending[-1].append((name, ir.Query(bound.source, [*bound.operators, Named(name)], bound.lets)))
    lower._see_tabular(name)


def _in_function(node: Any) -> bool:
    while node is not None:
        if lower._cls(node) == "LetFunctionDeclaration":
            return True
        node = node.parentCtx
    return False


def _as_operator(node: Any) -> Any:
    """The `as` that a node of the pipeline is, or None."""
    while lower._cls(node) in ("PipedOperator", "AfterPipeOperator"):
        node = lower._rule_children(node)[0]
    node = lower._collapse(node)
    return node if lower._cls(node) == "AsOperator" else None


def _refuse_hidden_label(node: Any, behind: list[Any]) -> None:
    """A union shows the name of a branch that ends with `as`; what it shows of a longer one is not known."""
    is_last = not behind or lower._find_all(behind[0], "UnionOperator")
    if not is_last and _shows_names(code(str(node.start.getInputStream()))):
        raise unsupported(node, "as")


def _shows_names(words: list[Token]) -> bool:
    return any(word.text in ("withsource", "with_source") for word in words)


def _is_needed(node: Any) -> bool:
    """Whether the name is used, or shown by a union; refused where another statement, or what stands before, has it too."""
    name = lower._find_names(node)[-1]
    words = code(str(node.start.getInputStream()))
    if name == NO_NAME:
        return False
    statements: list[list[Token]] = [[]]
    for word in words:
        if word.text == ";":
            statements.append([])
        statements[-1].append(word)
    using = [words for words in statements if name in _plain(words)]
    if any(not _is_named_first(words, name) for words in using):
        raise unsupported(node, "as")
    return _shows_names(words) or any(_plain(words).count(name) > 1 for words in using)


def _plain(words: list[Token]) -> list[str]:
    return [word.text.strip("'\"") for word in words]


def _is_named_first(words: list[Token], name: str) -> bool:
    """Whether the first use of the name in a statement is the only `as` that gives it."""
    plain = _plain(words)
    given = [
        at
        for at, word in enumerate(plain)
        if word == name and at and (plain[at - 1] == "as" or plain[at - 6 : at - 4] == ["as", "hint"])
    ]
    return given == [plain.index(name)]


def _alias_label(bound: Any) -> Any:
    last = bound.operators[-1:]
    return last[0].name if last and isinstance(last[0], Named) else _labels_alias(bound)


def install() -> None:
    """Put it in its place."""
    translate._alias_label = _alias_label
