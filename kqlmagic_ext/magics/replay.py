"""The record used again: `%kql_rerun`, `%kql_diff`, `%kql_verify`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class, needs_local_scope, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments
from IPython.display import publish_display_data

from kqlmagic_ext.connections.worker import interruptible
from kqlmagic_ext.display.receipt import bound_line, receipt
from kqlmagic_ext.errors import PlacedError
from kqlmagic_ext.magics import options as opt
from kqlmagic_ext.magics.again import chosen_limit, connection_of, query_of
from kqlmagic_ext.magics.attempt import Attempt
from kqlmagic_ext.magics.named_records import one_sentence, record_of, refuse_changed
from kqlmagic_ext.magics.ran import Ran
from kqlmagic_ext.magics.verification import Verification

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    import pyarrow as pa
    from IPython.core.interactiveshell import InteractiveShell

    from kqlmagic_ext.magics.kql import KqlMagics
    from kqlmagic_ext.magics.recording import Desk
    from kqlmagic_ext.query import Query
    from kqlmagic_ext.record.records import Record

_NO_ID = "%kql_rerun wants the id of a record, such as R12; %kql_history lists them"


@magics_class
class ReplayMagics(Magics):
    """Records run again, compared, verified."""

    def __init__(self, shell: InteractiveShell, kql: KqlMagics) -> None:
        super().__init__(shell)
        self._shell, self._kql = shell, kql

    # ------------------------------------------------------------ again

    @needs_local_scope
    @no_var_expand
    @line_magic
    def kql_rerun(self, line: str, local_ns: Mapping[str, Any] | None = None) -> Any:
        """Run the query of a record again: `%kql_rerun R12`.

        Examples::

            %kql_rerun R12 -t 2026-11-20/2026-11-22 -o then
            %kql_rerun R12 -i user -o of_another

        The options are those of %%kql. Without -t, the timespan is the one that was written: 7d is the last seven days now.
        Values, frames and the place come from the record where -i and -c do not give others. The new record tells which one
        it ran again.
        """
        from kqlmagic_ext.record.replaying import NoReplay

        with Attempt(self._kql.bindings, line, "the query was stopped") as attempt:
            before, self._kql.ran = self._kql.ran, None
            target, words = opt.word_among(line, self._kql.kql.parser, _NO_ID)
            options = self._kql.kql.parser.parse_args(words)
            attempt.outputs = outputs = tuple(opt.listed(options.output))
            self._kql.bindings.check(outputs)
            if options.cache:
                raise UsageError("--cache is for %%kql: %kql_rerun asks again")
            self._kql.ran = before if options.show else None
            desk = self._kql.recording.settled()
            record = record_of(desk, target, self._shell.user_ns)
            attempt.asked = asked = opt.Cell(options, record.text, outputs, 0, 0, f"%kql_rerun {line}")
            try:
                query = self._again(desk, record, asked, local_ns or {})
                return self._answer(record, asked, query)
            except NoReplay as error:
                raise UsageError(str(error)) from error
            except PlacedError as error:
                error.add_note(f"in the query of {record.id}")
                raise

    def _again(self, desk: Desk, record: Record, asked: opt.Cell, local_ns: Mapping[str, Any]) -> Query:
        """The record's query with what the options give in place of what it tells."""
        options = asked.options
        names = opt.inputs(options.input)
        given = {name: self._kql.bindings.value(variable, local_ns) for name, variable in names.items()}
        query = query_of(desk.store, record, given, {**self._shell.user_ns, **local_ns})
        span = opt.timespan(record.timespan or "all", record.id)
        return replace(
            query,
            timespan=span if options.timespan is None else opt.timespan(options.timespan, "-t"),
            limit=chosen_limit(options.limit, query),
            refresh=query.refresh or options.refresh,
            search=query.search or options.search,
        )

    def _answer(self, record: Record, asked: opt.Cell, query: Query) -> Any:
        places, named = self._kql.places, opt.variable_in(asked.options.connection, self._shell.user_ns)
        connection = places.choose(named) if named else connection_of(places, record)
        if asked.options.show:
            print(connection.prepare(query))  # noqa: T201 - the cell's own output
            return None
        shown = self._kql.queries.run(asked, query, connection, record.id)
        self._kql.ran = Ran.of(asked, query)
        return shown

    # ------------------------------------------------------------ compared

    @no_var_expand
    @magic_arguments()
    @opt.OUTPUT
    @argument(
        "--key",
        metavar="COLUMN",
        action="append",
        default=[],
        help="the columns that tell which row is which: rows that differ elsewhere are changed, not gone; repeat, or separate "
        "by commas",
    )
    @argument("before", help="a record's id, such as R3")
    @argument("after", help="another one's")
    @line_magic
    @one_sentence
    def kql_diff(self, line: str) -> Any:
        """What lies between the kept answers of two records: `%kql_diff R3 R9 --key UserPrincipalName`.

        A DataFrame of the rows that are gone and those that appeared, each with how often; their order does not matter, nor
        that of the keys in a dynamic value. No query is sent.
        """
        from kqlmagic_ext.record.compare import difference
        from kqlmagic_ext.record.differing import difference_frame, sentence

        arguments = opt.arguments(self.kql_diff, line)
        names = tuple(opt.listed(arguments.output))
        self._kql.bindings.check(names)
        desk = self._kql.recording.settled()
        before, after = (
            record_of(desk, text, self._shell.user_ns) for text in (arguments.before, arguments.after)
        )
        for text, record in ((arguments.before, before), (arguments.after, after)):
            refuse_changed(desk, text, record, self._shell.user_ns)
        pairs = _pairs(desk, before, after)
        if len(names) > len(pairs):
            raise UsageError(f"-o names {len(names)} variables, and there are {len(pairs)} tables to compare")
        key = [name.strip("\"'") for name in opt.listed(arguments.key)]
        found = interruptible(lambda _: [difference(*pair, key) for pair in pairs])
        frames = [difference_frame(one) for one in found]
        said = [sentence(one, before.id, after.id) for one in found]
        if len(said) > 1:
            said = [f"table {number}: {one}" for number, one in enumerate(said, 1)]
        self._kql.bindings.bind(names, frames)
        said += map(bound_line, names, frames)
        lacking = [
            f"rows of {one.id} are missing: its answer is incomplete"
            for one in (before, after)
            if not one.complete
        ]
        publish_display_data(dict(receipt(said, lacking)))
        if names:
            return None
        return tuple(frames) if len(frames) > 1 else frames[0]

    # ------------------------------------------------------------ verified

    @no_var_expand
    @magic_arguments()
    @opt.CONNECTION
    @argument(
        "--again",
        action="store_true",
        help="run the queries again, over the same absolute window, and compare",
    )
    @argument("ids", nargs="*", help="records, such as R12; without one, all")
    @line_magic
    @one_sentence
    def kql_verify(self, line: str) -> pd.DataFrame:
        """Whether what is kept is what the records say: `%kql_verify`; a DataFrame with one row a record.

        `state` is whole, damaged, gone, evicted or not kept, by the hashes of content and file. `--again` runs the queries
        again over the absolute windows of then, leaves no record of that, and says same, grown, shrunk or changed. now() and
        ago() mean the moment of then in embedded workspaces; on a service the window moves, and such a query is not run.
        """
        arguments = opt.arguments(self.kql_verify, line)
        named = opt.variable_in(arguments.connection, self._shell.user_ns)
        if named and not arguments.again:
            raise UsageError("-c is for --again: without it, no query is sent")
        desk = self._kql.recording.settled()
        records: Sequence[Record] = [
            record_of(desk, text, self._shell.user_ns) for text in arguments.ids
        ] or [record for record in desk.store.history() if record.kind == "query"]
        verification = Verification(self._shell, self._kql.places, desk.store, named)
        frame = verification.frame(records, again=arguments.again, everything=not arguments.ids)
        publish_display_data(dict(receipt(verification.lines(frame, again=arguments.again))))
        return frame


def _pairs(desk: Desk, before: Record, after: Record) -> list[tuple[Any, Any]]:
    """The tables of two answers, pair by pair; UsageError when one cannot be had."""
    if len(before.tables) != len(after.tables) and before.tables and after.tables:
        counts = f"{before.id} has {len(before.tables)} tables, and {after.id} {len(after.tables)}"
        raise UsageError(f"{counts}: they cannot be compared one by one")
    return list(zip(*(_tables(desk, record) for record in (before, after)), strict=True))


def _tables(desk: Desk, record: Record) -> list[pa.Table]:
    from kqlmagic_ext.record.results import ResultGone

    if not record.tables:
        raise UsageError(f"{record.id}: it has no answer ({desk.store.state(record)})")
    try:
        return interruptible(lambda _: [desk.store.table(kept) for kept in record.tables])
    except ResultGone as error:
        raise UsageError(f"{record.id}: {error}") from error
