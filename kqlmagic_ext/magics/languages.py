"""`%%powershell`, `%%node` and what belongs to them: cells of other languages, made from `LANGUAGES`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class, needs_local_scope, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments
from IPython.display import publish_display_data
from traitlets import Float, Int, Unicode

from kqlmagic_ext.display.receipt import described, receipt
from kqlmagic_ext.errors import PlacedError, harmless
from kqlmagic_ext.languages import LANGUAGES, Settings
from kqlmagic_ext.magics import completion
from kqlmagic_ext.magics import options as opt
from kqlmagic_ext.magics.attempt import Attempt
from kqlmagic_ext.magics.screen import Screen
from kqlmagic_ext.magics.sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from IPython.core.interactiveshell import InteractiveShell

    from kqlmagic_ext.languages import Language, Outcome, Session
    from kqlmagic_ext.magics.bindings import Bindings

    CellMagic = Callable[..., None]


@magics_class
class LanguageMagics(Magics):
    """Cells of other languages. `%config LanguageMagics` lists the settings."""

    grace = Float(
        5.0, min=0, help="Seconds that an interrupted cell gets to stop before its process is ended."
    ).tag(config=True)
    output_characters = Int(
        1_000_000, min=0, help="The most characters of output that a cell shows; the rest is counted."
    ).tag(config=True)
    deno_allow = Unicode(
        "",
        help="What Deno may do beyond its own folder, such as net,read=/data,env. Heeded by the next session.",
    ).tag(config=True)

    def __init__(self, shell: InteractiveShell, bindings: Bindings) -> None:
        super().__init__(shell)
        self._shell, self._bindings = shell, bindings
        self.running = Sessions(self._settings)
        self._stop_completing = completion.add(shell, self.running)
        for language in LANGUAGES.values():
            for name in language.magics:
                self.magics["cell"][name] = self._cell_magic(name, language)

    def _settings(self, language: Language) -> Settings:
        """What the session of a language is started with: here, where the notebook is now."""
        allow = tuple(word.strip() for word in self.deno_allow.split(",") if word.strip())
        return Settings(grace=self.grace, allow=allow if language.name == "deno" else ())

    # ------------------------------------------------------------ cells

    def _cell_magic(self, name: str, language: Language) -> CellMagic:
        """The cell magic of a language, with its options and its help."""

        @needs_local_scope
        @no_var_expand
        def run(line: str, cell: str, local_ns: Mapping[str, Any] | None = None) -> None:
            self._cell(run, line, cell, local_ns or {})

        runtimes = [other.name for other in LANGUAGES.values() if other.runtime_of == language.name]
        run.__doc__ = _help(name, language)
        decorated: CellMagic = run
        for flag, said in reversed(list(language.flags.items())):
            decorated = argument(flag, action="store_true", help=said)(decorated)
        if runtimes:
            named = [language.name, *runtimes]
            decorated = argument("--runtime", choices=named, help="the program that runs the cell")(decorated)
        run.language = language  # type: ignore[attr-defined]  # found again when the cell runs
        named_magic: CellMagic = magic_arguments(name)(opt.INPUT(opt.OUTPUT(decorated)))
        return named_magic

    def _cell(self, magic: CellMagic, line: str, cell: str, local_ns: Mapping[str, Any]) -> None:
        """Run a cell."""
        with Attempt(self._bindings, line, "the cell was stopped") as attempt:
            attempt.asked = asked = opt.parse(magic, line, cell, shift=False)
            attempt.outputs = outputs = opt.results(asked.options.output)
            self._bindings.check(list(outputs))
            language: Language = magic.language  # type: ignore[attr-defined]  # set where it was made
            self._run(_chosen(language, asked), asked, outputs, attempt, local_ns)

    def _run(
        self,
        language: Language,
        asked: opt.Cell,
        outputs: Mapping[str, str],
        attempt: Attempt,
        local_ns: Mapping[str, Any],
    ) -> None:
        names = opt.inputs(asked.options.input)
        inputs = {name: self._bindings.value(variable, local_ns) for name, variable in names.items()}
        session, attempt.notes = self.running.open(language)
        crossed, warnings = _push(language, session, inputs, names)
        screen = Screen(self._shell, self.output_characters)
        attempt.began = True
        try:
            outcome = session.run(asked.text, screen.show, _flags(language, asked))
        finally:
            screen.close()
        pulled = {variable: session.pull(name) for variable, name in outputs.items()}
        self._bindings.bind(pulled, (crossing.value for crossing in pulled.values()))
        for variable, crossing in pulled.items():
            crossed.append(
                f"{language.variable(outputs[variable])} → {variable}: {described(crossing.value)}"
            )
            warnings += crossing.warnings
        self._show(outcome, [*attempt.notes, *crossed], [*outcome.notes, *screen.note, *warnings])

    @staticmethod
    def _show(outcome: Outcome, lines: list[str], warnings: list[str]) -> None:
        if outcome.value is not None:
            publish_display_data({"text/plain": harmless(outcome.value)})
        if lines or warnings:
            publish_display_data(dict(receipt(lines, warnings)))

    # ------------------------------------------------------------ sessions

    @no_var_expand
    @line_magic
    def sessions(self, line: str) -> None:
        """List the running sessions of other languages, with their variables: `%sessions`."""
        if line.strip():
            raise UsageError("%sessions takes nothing; it lists all")
        lines = [text for name, session in self.running for text in _listed(LANGUAGES[name], session)]
        publish_display_data(dict(receipt(lines or ["no session of another language runs"])))

    @no_var_expand
    @line_magic
    def restart_session(self, line: str) -> None:
        """End a language's session and start a new one: `%restart_session powershell`."""
        language = _named(line.strip())
        gone = self.running.end(language.name)
        session, _ = self.running.open(language)
        said = f"{session.version}: a new session" + (f"; gone are {', '.join(gone)}" if gone else "")
        publish_display_data(dict(receipt([said])))

    def close(self) -> None:
        """End every session, and ask none any more."""
        self._stop_completing()
        self.running.close()


def _chosen(language: Language, asked: opt.Cell) -> Language:
    """The language itself, or the runtime of it that the cell asks for."""
    runtime = getattr(asked.options, "runtime", None)
    return LANGUAGES[runtime] if runtime else language


def _flags(language: Language, asked: opt.Cell) -> frozenset[str]:
    given = vars(asked.options)
    return frozenset(flag for flag in language.flags if given[flag.lstrip("-").replace("-", "_")])


def _push(
    language: Language, session: Session, inputs: Mapping[str, Any], names: Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """Give the inputs to the session; the lines of the receipt, and the warnings."""
    lines: list[str] = []
    warnings: list[str] = []
    for name, value in inputs.items():
        try:
            warnings += session.push(name, value)
        except PlacedError as error:  # a session does not know what the value is called here
            error.message = error.message.replace(f"-i other={name}", f"-i other={names[name]}")
            raise
        lines.append(f"{names[name]} → {language.variable(name)}: {described(value)}")
    return lines, warnings


def _named(word: str) -> Language:
    """The language of a name or of one of its magics."""
    for language in LANGUAGES.values():
        if word.casefold() in (language.name, *language.magics):
            return language
    raise UsageError(f"%restart_session wants one of {', '.join(LANGUAGES)}")


def _listed(language: Language, session: Session) -> Iterator[str]:
    yield f"{language.name}: {session.version}"
    for variable in session.variables():
        size = f", {variable.size}" if variable.size else ""
        yield f"• {language.sigil}{variable.name}: {variable.type}{size}"


def _help(name: str, language: Language) -> str:
    sigil = language.sigil
    return f"""Run a cell of {language.title}; its variables live on between cells.

    Examples::

        %%{name} -i failed -o hosts
        …

    `-i failed` gives it the Python variable `failed` as `{sigil}failed`, a DataFrame as a table; `-o hosts` binds its variable
    `{sigil}hosts` in Python. What it writes is shown while it runs, and Ctrl-C stops it.
    """
