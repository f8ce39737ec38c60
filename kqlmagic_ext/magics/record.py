"""The magics of the investigation record: `%kql_history`, `%kql_open`, `%kql_note`, `%kql_forget`, `%kql_case`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments
from IPython.display import publish_display_data

from kqlmagic_ext.connections.worker import interruptible
from kqlmagic_ext.display.receipt import receipt
from kqlmagic_ext.errors import harmless
from kqlmagic_ext.magics import options as opt
from kqlmagic_ext.magics.named_records import one_sentence, record_of
from kqlmagic_ext.magics.recording import case_name, iso

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell

    from kqlmagic_ext.magics.kql import KqlMagics
    from kqlmagic_ext.magics.recording import Desk
    from kqlmagic_ext.record.records import Record

_SHOWN_IDS = 10
_HISTORY_S = 2  # how long %kql_history waits for what is being written


@magics_class
class RecordMagics(Magics):
    """What was asked in this case, and what came."""

    def __init__(self, shell: InteractiveShell, kql: KqlMagics) -> None:
        super().__init__(shell)
        self._names, self._kql, self._recording = shell.user_ns, kql, kql.recording

    @no_var_expand
    @magic_arguments()
    @argument("--tree", action="store_true", help="show which query fed which")
    @argument("words", nargs="*", help="only records that hold all of these words")
    @line_magic
    @one_sentence
    def kql_history(self, line: str) -> pd.DataFrame | None:
        """The records of this case as a DataFrame: what was asked, where, what came, and whether its answer is kept.

        `kept` is said of an answer that is on the disk, whole. `--tree` shows which query fed which.
        """
        from kqlmagic_ext.record.history import history_frame, history_tree, holding

        arguments = opt.arguments(self.kql_history, line)
        desk = self._recording.settled(_HISTORY_S)
        records, states = self._told(desk)
        unreadable = desk.store.unreadable()
        states |= {one: "not kept: its record is damaged" for one in unreadable if one in states}
        records = holding(records, [word.strip("\"'") for word in arguments.words])
        if arguments.tree:
            print(harmless(history_tree(records, states)))  # noqa: T201 - the cell's own output
            return None
        if warnings := self._gaps(desk, unreadable, states.keys()):
            publish_display_data(dict(receipt([], warnings)))
        return history_frame(records, states)

    @no_var_expand
    @magic_arguments()
    @opt.OUTPUT
    @argument("id", help="the record's id, such as R12")
    @line_magic
    @one_sentence
    def kql_open(self, line: str) -> Any:
        """Open the kept answer of a record: the frame as it came, with its dtypes. No query is sent.

        Its content is hashed anew; one that is not what the record says is not opened.
        """
        from kqlmagic_ext.record.opening import opened
        from kqlmagic_ext.record.results import ResultGone

        arguments = opt.arguments(self.kql_open, line)
        names = tuple(opt.listed(arguments.output))
        self._kql.bindings.check(names)
        desk = self._recording.desk
        record = record_of(desk, arguments.id, self._names)
        try:
            result = interruptible(lambda work: opened(desk.store, record, work.check))
        except ResultGone as error:
            raise UsageError(f"{record.id}: {error}") from error
        if len(names) > len(result.frames):
            raise UsageError(
                f"-o names {len(names)} variables, and {record.id} has {len(result.frames)} tables"
            )
        return self._kql.queries.show(
            self._kql.cell_for(names), result, [f"{record.id}, as it came {record.time}; no query was sent"]
        )

    @no_var_expand
    @line_magic
    @one_sentence
    def kql_note(self, line: str) -> None:
        """Put your own words into the record, between the queries: `%kql_note the first lead was a dead end`."""
        if not line.strip():
            raise UsageError("%kql_note TEXT: the note is missing")
        if self._recording.is_off:
            raise UsageError(
                "the record is off: the note would not be kept; %config KqlMagics.record = 'full' switches it on"
            )
        record = self._recording.note(line.strip())
        publish_display_data(dict(receipt([f"{record.id}: noted"])))

    @no_var_expand
    @magic_arguments()
    @argument("--case", action="store_true", help="take the whole case away")
    @argument("ids", nargs="*", help="records to take away, such as R12")
    @line_magic
    @one_sentence
    def kql_forget(self, line: str) -> None:
        """Take away what records say, with their answers: `%kql_forget R12`; `%kql_forget --case` takes all.

        The id stays, and says that it was forgotten. What another record holds, too, stays with that one.
        """
        from kqlmagic_ext.record.records import number_of

        arguments = opt.arguments(self.kql_forget, line)
        if arguments.case == bool(arguments.ids):
            raise UsageError("%kql_forget wants the ids of records, or --case alone")
        desk = self._recording.settled()
        if arguments.case:
            self._recording.close()
            desk.store.forget_all()
            publish_display_data(dict(receipt([f"the case {desk.store.case} is forgotten"])))
            return
        damaged = desk.store.unreadable()
        ids = [
            one if (one := text.strip("\"',").upper()) in damaged else record_of(desk, text, self._names).id
            for text in arguments.ids
        ]
        for one in ids:
            desk.store.forget(number_of(one), iso(datetime.now(UTC)))
        publish_display_data(dict(receipt([f"forgotten: {', '.join(ids)}"])))

    @no_var_expand
    @line_magic
    @one_sentence
    def kql_case(self, line: str) -> None:
        """Name the case that this notebook works on, or tell which it is: `%kql_case contoso-2026-17`.

        Each case has a folder of its own; an earlier one is opened again by its name.
        """
        name = line.strip().strip("\"'")
        if name and case_name(name) != name:
            raise UsageError(
                f"{name[:100]!r} cannot name a folder; write at most 100 letters, digits, spaces, . - and _, a letter or digit first"
            )
        if name:
            self._kql.case = name
        desk = self._recording.settled()
        count = len(self._told(desk)[0])
        publish_display_data(
            dict(
                receipt(
                    [f"case {desk.store.case}: {count:,} record{'s' * (count != 1)} in {desk.store.folder}"]
                )
            )
        )

    def _gaps(self, desk: Desk, unreadable: list[str], told: Collection[str]) -> list[str]:
        """What the history cannot tell: damaged records, ids without one, queries without an id."""
        running = [one for one in desk.store.unfinished() if one not in told]
        missed = self._recording.missed
        gaps = []
        if unreadable:
            gaps.append(f"records that cannot be read: {_few(unreadable)}")
        if running:
            gaps.append(f"asked by a kernel that runs it still, or died: {_few(running)}")
        if missed:
            gaps.append(f"queries of this kernel without a record: {len(missed)}; the last: {missed[-1]}")
        return gaps

    @staticmethod
    def _told(desk: Desk) -> tuple[list[Record], dict[str, str]]:
        """All records, those that are not on the disk (yet) last; and what `kept` says of each."""
        # These first: what is kept meanwhile is told by the store.
        others = {record.id: (record, "waiting to be written") for record in desk.writer.waiting()}
        others |= {record.id: (record, f"not kept: {record.lost}") for record in list(desk.writer.lost)}
        told = {
            record.id: (record, desk.store.state(record))
            for record in desk.store.history()
            if record.kind != "asked" or record.id not in others
        }
        told |= {one: other for one, other in others.items() if one not in told}
        ordered = sorted(told.values(), key=lambda pair: pair[0].number)
        return [record for record, _ in ordered], {record.id: state for record, state in ordered}


def _few(ids: list[str]) -> str:
    """The last of them."""
    return ", ".join(
        [f"{len(ids) - _SHOWN_IDS:,} earlier ones"] * (len(ids) > _SHOWN_IDS) + ids[-_SHOWN_IDS:]
    )
