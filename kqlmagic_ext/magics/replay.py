"""Asking again, and comparing: `%kql_rerun`, `%kql_diff`, `%kql_verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class, needs_local_scope, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
from IPython.display import publish_display_data

from kqlmagic_ext.connections.worker import interruptible
from kqlmagic_ext.display.receipt import receipt
from kqlmagic_ext.errors import KqlMagicError, ParameterError
from kqlmagic_ext.magics import options as opt
from kqlmagic_ext.magics.attempt import Attempt
from kqlmagic_ext.magics.progress import Progress
from kqlmagic_ext.magics.record import found
from kqlmagic_ext.magics.recording import place_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell

    from kqlmagic_ext.magics.kql import KqlMagics
    from kqlmagic_ext.magics.recording import Desk
    from kqlmagic_ext.record.records import Record


@magics_class
class ReplayMagics(Magics):
    """What was asked once, asked again."""

    def __init__(self, shell: InteractiveShell, kql: KqlMagics) -> None:
        super().__init__(shell)
        self._shell, self._names, self._kql, self._recording = shell, shell.user_ns, kql, kql.recording

    @needs_local_scope
    @no_var_expand
    @magic_arguments()
    @opt.INPUT
    @opt.OUTPUT
    @opt.CONNECTION
    @opt.TIMESPAN
    @argument("id", help="the record whose query is run again, such as R12")
    @line_magic
    def kql_rerun(self, line: str, local_ns: Mapping[str, Any] | None = None) -> Any:
        """Run the query of a record again, with other times or values where they are given: `%kql_rerun R12 -t 7d`.

        Without -t the timespan is the one that was written then: `7d` are the last seven days now. Values come from -i, else
        from the record; a frame comes from -i, else from the record that fed it, else from the variable of its name if that
        is the very frame still.
        """
        with Attempt(self._kql.bindings, line, "the query was stopped") as attempt:
            arguments = parse_argstring(self.kql_rerun, line)
            attempt.outputs = outputs = tuple(opt.listed(arguments.output))
            desk = self._recording.settled()
            record = _asked(desk, arguments.id, self._names)
            _refuse_hidden(record)
            given = {
                name: self._kql.bindings.value(variable, local_ns)
                for name, variable in opt.inputs(arguments.input).items()
            }
            values = {**self._inputs(desk, record, given), **given}
            attempt.asked = asked = self._cell(record, arguments, outputs, list(values), line)
            return self._kql.answer(asked, values)

    def _cell(
        self, record: Record, arguments: Any, outputs: tuple[str, ...], inputs: list[str], line: str
    ) -> opt.Cell:
        """The cell that asks the question of a record."""
        options = self._kql.kql.parser.parse_args([])
        options.input, options.timespan = inputs, arguments.timespan or record.timespan or "all"
        options.connection = arguments.connection or self._place(record)
        options.limit = str(record.options["limit"]) if "limit" in record.options else None
        options.search = record.options.get("search", False)
        return opt.Cell(options, record.text, outputs, 0, 0, f"%kql_rerun {line}", record.id)

    def _inputs(self, desk: Desk, record: Record, given: Mapping[str, Any]) -> dict[str, Any]:
        """The values and frames of a record's query that are not given; UsageError for one that cannot be had."""
        from kqlmagic_ext.record.replaying import NotKept, frame_of, parameters_of

        wanted = record.with_(
            parameters={name: value for name, value in record.parameters.items() if name not in given}
        )
        try:
            values: dict[str, Any] = dict(parameters_of(wanted))
            for name in record.inputs:
                if name not in given:
                    values[name] = frame_of(desk.store, record, name, self._names.get(name))
        except NotKept as error:
            raise UsageError(f"{error}; give it by -i {error.name}") from error
        return values

    def _place(self, record: Record) -> str:
        """The name of the open connection that a record was answered by, else the URL that opens the same rows."""
        for name, _, connection in self._kql.places:
            if connection is not None and name == record.connection and place_of(connection) == record.place:
                return name
        return record.place or record.connection

    @no_var_expand
    @magic_arguments()
    @argument("before", help="the earlier record, such as R2")
    @argument("after", help="the later one, such as R5")
    @argument(
        "--key",
        action="append",
        default=[],
        metavar="COLUMN",
        help="what tells that two rows are the same one",
    )
    @line_magic
    def kql_diff(self, line: str) -> pd.DataFrame:
        """The rows by which two kept answers differ, in whatever order they stand: `%kql_diff R2 R5 --key UserPrincipalName`.

        A row a difference: `change` is `gone`, `appeared`, or by a key `before` and `after` of a changed row; `times` tells
        how often it is there.
        """
        from kqlmagic_ext.record.compare import difference
        from kqlmagic_ext.record.differences import difference_frame, difference_line

        arguments = parse_argstring(self.kql_diff, line)
        desk = self._recording.settled()
        before, after = (_asked(desk, text, self._names) for text in (arguments.before, arguments.after))
        key = [name.strip("\"'") for name in opt.listed(arguments.key)]
        try:
            lies = interruptible(
                lambda work: difference(_kept(desk, before, work.check), _kept(desk, after, work.check), key)
            )
        except ParameterError as error:
            raise UsageError(str(error)) from error
        more = [
            f"{record.id} has {len(record.tables)} tables; the first ones are compared"
            for record in (before, after)
            if len(record.tables) > 1
        ]
        publish_display_data(dict(receipt([f"{before.id} → {after.id}: {difference_line(lies)}"], more)))
        return difference_frame(lies)

    @no_var_expand
    @magic_arguments()
    @argument(
        "--again",
        action="store_true",
        help="run the queries again, over the same absolute times, and compare",
    )
    @argument("ids", nargs="*", help="records, such as R12; without them all of the case")
    @line_magic
    def kql_verify(self, line: str) -> pd.DataFrame:
        """Whether the kept answers are what their hashes say; with `--again` whether their queries still give them.

        `content` is `whole` when the kept table, read and hashed anew, has the hash of its record; `file` is `as written` when
        the file has the very bytes that were written. `again` compares as multisets: same, grown, shrunk, changed. now() and
        ago() give what they gave then on the embedded engine; elsewhere such a query has a moving window, and is not run.
        A query that is run to verify leaves no record.
        """
        import pandas as pd

        arguments = parse_argstring(self.kql_verify, line)
        desk = self._recording.settled()
        records = (
            [_asked(desk, text, self._names) for text in arguments.ids]
            if arguments.ids
            else [record for record in desk.store.history() if record.kind == "query"]
        )
        rows = []
        with Progress(self._shell) as progress:
            for record in records:
                progress(f"verifying {record.id}")
                rows.append(self._verified(desk, record, again=arguments.again))
        frame = pd.DataFrame(rows, columns=["id", "query", "content", "file", "again"])
        return frame if arguments.again else frame.drop(columns="again")

    def _verified(self, desk: Desk, record: Record, *, again: bool) -> tuple[str, str, str, str, str]:
        from kqlmagic_ext.record.verifying import checked

        content, file = interruptible(lambda _: checked(desk.store, record))
        said = self._again(desk, record) if again and record.tables else ""
        return record.id, record.text.strip(), content, file, said

    def _again(self, desk: Desk, record: Record) -> str:
        """What the query of a record gives now, against what it gave then."""
        from kqlmagic_ext.record.compare import verdict
        from kqlmagic_ext.record.replaying import moves, same_question
        from kqlmagic_ext.record.verifying import same_hashes

        try:
            _refuse_hidden(record)
            connection = self._kql.places.choose(self._place(record))
            if moves(record.text) and not hasattr(connection, "place"):
                return "moving window: now() and ago() give other times today"
            query = same_question(record, self._inputs(desk, record, {}))
            result = connection.run(query)
            if same_hashes(record, result.tables):
                return "same"
            pairs = zip(record.tables, result.tables, strict=True)
            return "; ".join(str(verdict(desk.store.table(kept), table)) for kept, table in pairs)
        except (KqlMagicError, UsageError, _gone()) as error:
            return f"cannot be told: {error}"


def _gone() -> type[Exception]:
    from kqlmagic_ext.record.results import ResultGone

    return ResultGone


def _asked(desk: Desk, text: str, names: Mapping[str, Any]) -> Record:
    """The record of a query; UsageError when the id is that of something else."""
    record = found(desk, text, names)
    if record.kind != "query":
        raise UsageError(f"{record.id} is no query: {record.kind}")
    return record


def _refuse_hidden(record: Record) -> None:
    from kqlmagic_ext.record.replaying import holds_hidden

    if holds_hidden(record):
        raise UsageError(f'{record.id} had a hidden string (h"…"), which no record keeps; run its cell again')


def _kept(desk: Desk, record: Record, checkpoint: Any) -> Any:
    from kqlmagic_ext.record.results import ResultGone

    checkpoint()
    if not record.tables:
        raise UsageError(f"{record.id} has no answer: {desk.store.state(record)}")
    try:
        return desk.store.table(record.tables[0])
    except ResultGone as error:
        raise UsageError(f"{record.id}: {error}") from error
