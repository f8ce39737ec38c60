"""Saved queries in a notebook: `%kql_save`, `%kql_run`, `%kql_queries`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class, needs_local_scope, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments
from IPython.display import publish_display_data

from kqlmagic_ext.display.receipt import receipt
from kqlmagic_ext.errors import PlacedError, QueryError
from kqlmagic_ext.kql.literals import literal_of
from kqlmagic_ext.kql.tokens import without_hidden
from kqlmagic_ext.magics import options as opt
from kqlmagic_ext.magics.attempt import Attempt
from kqlmagic_ext.magics.query_folder import COLUMNS, FOLDER, files, find, matcher, path_of, row_of
from kqlmagic_ext.packs import Origin, Parameter, SavedQuery, arguments, read, write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell

    from kqlmagic_ext.magics.kql import KqlMagics
    from kqlmagic_ext.magics.ran import Ran
    from kqlmagic_ext.values import Value

_LONGEST_DEFAULT = 200
_NO_TARGET = "%kql_run wants the name of a saved query, or a file; %kql_queries lists them"


@magics_class
class PackMagics(Magics):
    """Queries that are kept in files."""

    def __init__(self, shell: InteractiveShell, kql: KqlMagics) -> None:
        super().__init__(shell)
        self._shell, self._kql = shell, kql
        self._came_from: tuple[Ran, SavedQuery] | None = None  # what the last %kql_run ran
        self._matcher = matcher()
        shell.Completer.custom_matchers.append(self._matcher)

    # ------------------------------------------------------------ saving

    @no_var_expand
    @magic_arguments()
    @argument("name", help="what to call it: queries/NAME.kql")
    @argument("--description", default="", metavar="TEXT", help="what it finds")
    @argument("--tactics", default="", metavar="NAME,NAME", help="the tactics of MITRE ATT&CK")
    @argument("--replace", action="store_true", help="take the place of the query that has this name")
    @line_magic
    def kql_save(self, line: str) -> None:
        """Save the last query, which ran well, as `queries/NAME.kql` beside the notebook.

        Example::

            %kql_save refused_signins --description "Many refused sign-ins" --tactics CredentialAccess

        Its values become parameters with their types; small ones are their defaults. -t becomes the window that it
        proposes. `--replace` keeps the description, the tactics, the window and the tests that the file had, where
        none are given.
        """
        name, words = opt.word_among(line, self.kql_save.parser, "%kql_save wants a name: queries/NAME.kql")
        options = self.kql_save.parser.parse_args([*words, "--", name])
        path = path_of(name)
        if self._kql.ran is None:
            raise UsageError("nothing is saved: no query ran, or the last one failed; run it, then save it")
        if without_hidden(self._kql.ran.text) != self._kql.ran.text:
            raise UsageError('nothing is saved: the query has a hidden string (h"…"); give it as a parameter')
        tactics = tuple(opt.listed([options.tactics]))
        saved = _described(self._kql.ran, name, options.description, tactics)
        if self._came_from is not None and self._came_from[0] is self._kql.ran:
            saved = _completed(saved, self._came_from[1])
        if path.exists():
            saved = _in_place_of(path, saved, replaces=options.replace)
        try:
            FOLDER.mkdir(exist_ok=True)
            write(path, saved)
        except (OSError, ValueError) as error:
            raise UsageError(f"{path} cannot be written: {error}") from error
        publish_display_data(dict(receipt([f"saved: {path}{_told(saved.parameters)}"])))

    # ------------------------------------------------------------ running

    @needs_local_scope
    @no_var_expand
    @line_magic
    def kql_run(self, line: str, local_ns: Mapping[str, Any] | None = None) -> Any:
        """Run a saved query by its name, a `.kql` file, or a Sentinel rule in YAML: `%kql_run NAME_OR_FILE`.

        Examples::

            %kql_run refused_signins -i threshold -o found -t 7d
            %kql_run rules/password_spray.yaml -o found

        The options are those of %%kql. Parameters that -i does not give have their defaults. Without -t and
        %kql_window, the window is the one that the file proposes (the `queryPeriod` of a rule).
        """
        with Attempt(self._kql.bindings, line, "the query was stopped") as attempt:
            before, self._kql.ran = self._kql.ran, None
            target, words = opt.word_among(line, self._kql.kql.parser, _NO_TARGET)
            options = self._kql.kql.parser.parse_args(words)
            attempt.outputs = outputs = tuple(opt.listed(options.output))
            saved = read(find(target))
            origin = saved.origin or Origin(target)
            lines_above = (origin.line or 1) - 1
            attempt.asked = opt.Cell(options, saved.text, outputs, lines_above, 0, f"%kql_run {line}")
            self._kql.ran = before if options.show else None
            try:
                return self._answer(saved, attempt.asked, local_ns or {})
            except PlacedError as error:
                _place(error, origin)
                raise

    def _answer(self, saved: SavedQuery, asked: opt.Cell, local_ns: Mapping[str, Any]) -> Any:
        """The query's answer, as a cell with this text would show it."""
        names = opt.inputs(asked.options.input)
        given = {name: self._kql.bindings.value(variable, local_ns) for name, variable in names.items()}
        values = arguments(saved, given)
        asked.options.input = list(values)
        if asked.options.timespan is None and opt.timespan(self._kql.timespan, "KqlMagics.timespan") is None:
            asked.options.timespan = saved.timespan
        answer = self._kql.answer(asked, values)
        if self._kql.ran is not None and not asked.options.show:
            self._came_from = self._kql.ran, saved
        return answer

    # ------------------------------------------------------------ listing

    @no_var_expand
    @line_magic
    def kql_queries(self, line: str) -> pd.DataFrame:  # noqa: ARG002 - it takes none
        """The queries of the folder `queries/` beside the notebook, also those that cannot be read, which say why."""
        import pandas as pd

        return pd.DataFrame([row_of(path) for path in files()], columns=list(COLUMNS)).astype(
            {"tests": "Int64"}
        )

    def close(self) -> None:
        """Answer Tab no more."""
        matchers = self._shell.Completer.custom_matchers
        if self._matcher in matchers:
            matchers.remove(self._matcher)


# ---------------------------------------------------------------- parts


def _described(ran: Ran, name: str, description: str, tactics: tuple[str, ...]) -> SavedQuery:
    parameters = tuple(_parameter(used, value) for used, value in ran.used.items())
    return SavedQuery(name, ran.text, description, parameters, tactics, timespan=ran.timespan)


def _parameter(name: str, value: Value | None) -> Parameter:
    if value is None:
        return Parameter(name, "table")
    is_small = value.type != "dynamic" and len(literal_of(value)) <= _LONGEST_DEFAULT
    return Parameter(name, value.type, value if is_small else None)


def _in_place_of(path: Path, saved: SavedQuery, *, replaces: bool) -> SavedQuery:
    """The query with what the file tells beside its text; UsageError where it would take another query's place unasked."""
    try:
        old = read(path)
    except QueryError:
        if replaces:
            return saved
        raise
    merged = _completed(saved, old)
    if merged != old and not replaces:
        raise UsageError(f"{path} holds another query; --replace takes its place")
    return merged


def _completed(saved: SavedQuery, other: SavedQuery) -> SavedQuery:
    """The query with what the other one tells beside its text."""
    described = {one.name: one.description for one in other.parameters}
    return replace(
        saved,
        description=saved.description or other.description,
        tactics=saved.tactics or other.tactics,
        techniques=saved.techniques or other.techniques,
        entities=saved.entities or other.entities,
        timespan=saved.timespan or other.timespan,
        tests=saved.tests or other.tests,
        parameters=tuple(replace(one, description=described.get(one.name, "")) for one in saved.parameters),
    )


def _told(parameters: tuple[Parameter, ...]) -> str:
    if not parameters:
        return ""
    told = [
        f"{one.name}:{one.type}{'' if one.default is None else f' = {literal_of(one.default)}'}"
        for one in parameters
    ]
    return f", with {', '.join(told)}"


def _place(error: PlacedError, origin: Origin) -> None:
    """Tell the file, and the column where the text is indented there; the cell's own way moves the line."""
    if origin.line is None and error.line is not None:
        error.add_note(f"in the query of {origin.file}, counted from its first line")
        return
    if origin.indent and error.column is not None:
        error.column += origin.indent
        error.source = None if error.source is None else " " * origin.indent + error.source
    if error.line is not None or isinstance(error, QueryError):
        error.add_note(f"in {origin.file}")
