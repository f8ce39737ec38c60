"""`%%browser`: JavaScript in the browser, with the data of the notebook."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, magics_class, needs_local_scope, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments
from IPython.display import publish_display_data
from traitlets import Int

from kqlmagic_ext.display.receipt import described
from kqlmagic_ext.magics import options as opt
from kqlmagic_ext.magics.attempt import Attempt
from kqlmagic_ext.magics.live import is_watched
from kqlmagic_ext.magics.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from IPython.core.interactiveshell import InteractiveShell

    from kqlmagic_ext.magics.bindings import Bindings

    CellMagic = Callable[..., Any]

_OURS = re.compile(r"(?:^|\s)(?:-[io]|--(?:input|output|allow-network))(?=[\s=\w]|$)")
_HEADLESS = "stays unset: nobody looks at this run, so no browser sends anything"


@magics_class
class BrowserMagics(Magics):
    """JavaScript in the browser. `%config BrowserMagics` lists the settings."""

    browser_bytes = Int(
        5_000_000,
        min=0,
        help="The most bytes of data that a %%browser cell puts into the notebook, and that one output() sends back.",
    ).tag(config=True)

    def __init__(self, shell: InteractiveShell, bindings: Bindings) -> None:
        super().__init__(shell)
        self._shell, self._bindings = shell, bindings
        self._relay = Relay(shell, lambda name, value: bindings.bind([name], [value]))
        self._table = shell.magics_manager.magics["cell"]
        self._own = {name: self._table[name] for name in ("javascript", "js") if name in self._table}
        for name in ("browser", "javascript", "js"):
            self.magics["cell"][name] = self._cell_magic(name)

    def _cell_magic(self, name: str) -> CellMagic:
        """The cell magic of that name; IPython's own runs when none of our options stands in the line."""

        @needs_local_scope
        @no_var_expand
        def run(line: str, cell: str, local_ns: Mapping[str, Any] | None = None) -> Any:
            if name in self._own and not _OURS.search(line):
                return self._ipythons(name, self._shell.magics_manager.registry["DisplayMagics"])(line, cell)
            return self._cell(magic, line, cell, local_ns or {})

        run.__doc__ = _HELP
        network = argument(
            "--allow-network", action="store_true", help="let this cell's code reach the network"
        )
        magic: CellMagic = magic_arguments(name)(opt.INPUT(opt.OUTPUT(network(run))))
        return magic

    def _cell(self, magic: CellMagic, line: str, cell: str, local_ns: Mapping[str, Any]) -> None:
        """Draw a cell; until its frame sends something, its outputs are unset, so that no old value passes for a new one."""
        with Attempt(self._bindings, line, "the cell was stopped") as attempt:
            attempt.asked = asked = opt.parse(magic, line, cell, shift=False)
            attempt.outputs = outputs = opt.results(asked.options.output)
            self._bindings.check(list(outputs))
            self._draw(asked, outputs, local_ns)

    def _draw(self, asked: opt.Cell, outputs: Mapping[str, str], local_ns: Mapping[str, Any]) -> None:
        import secrets

        from kqlmagic_ext.display.browser import BrowserCell, bundle, packed_libraries

        libraries = packed_libraries(asked.text)
        inputs, lines, warnings = self._inputs(asked, local_ns, as_arrow="arrow" in libraries)
        token = secrets.token_hex(16)
        if asked.options.allow_network:
            warnings.append("this cell may reach the network, also when the notebook is opened again")
        if outputs:
            lines += self._follow(token, outputs)
            if not is_watched(self._shell):
                warnings += [f"{variable} {_HEADLESS}" for variable in outputs]
        drawn = BrowserCell(
            code=asked.text,
            title=self._title(),
            libraries=libraries,
            token=token,
            inputs=inputs,
            place=(asked.line, asked.column),
            outputs=tuple(outputs.values()),
            output_bytes=self.browser_bytes,
            allow_network=asked.options.allow_network,
            lines=tuple(lines),
            warnings=tuple(warnings),
        )
        publish_display_data(dict(bundle(drawn)))

    def _title(self) -> str:
        """The name of the running cell; its number is that of the last input (IPythons count it at its end, or at its start)."""
        history = self._shell.history_manager
        return "cell" if history is None else f"cell [{len(history.input_hist_raw) - 1}]"

    def _follow(self, token: str, outputs: Mapping[str, str]) -> list[str]:
        """Bind what the run of that token sends; an old value is taken away, since it would pass for the new one."""
        removed = self._bindings.remove(outputs)
        if not is_watched(self._shell):
            return removed
        self._relay.follow(token, {name: variable for variable, name in outputs.items()}, self.browser_bytes)
        return [*(f"{variable}: follows what the cell sends" for variable in outputs), *removed]

    def _inputs(
        self, asked: opt.Cell, local_ns: Mapping[str, Any], *, as_arrow: bool
    ) -> tuple[dict[str, str | bytes], list[str], list[str]]:
        """The inputs by name, the lines of the receipt, and the warnings."""
        from kqlmagic_ext.display.browser import crossed, refuse_name

        names = opt.inputs(asked.options.input)
        for name, variable in names.items():
            if why := refuse_name(name):
                raise UsageError(f"-i {name}: {why}; give it another name: -i other={variable}")
        found: dict[str, str | bytes] = {}
        lines: list[str] = []
        warnings: list[str] = []
        left = self.browser_bytes
        for name, variable in names.items():
            value = self._bindings.value(variable, local_ns)
            given = crossed(value, variable, left, as_arrow=as_arrow)
            left -= given.size
            found[name] = given.data
            lines.append(f"{variable} → {name} (browser): {described(value)}")
            warnings += given.warnings
        return found, lines, warnings

    def _ipythons(self, name: str, display: Magics | None) -> CellMagic:
        """IPython's own magic of that name; what newer ones have in its place until `display`, its class, is loaded."""
        own: CellMagic = self._own[name]
        if type(own).__name__ == "LazyMagic" and display is not None:
            own = display.magics["cell"][name]
        return own

    def close(self) -> None:
        """Listen to no frame any more, and give IPython its own magics back."""
        self._relay.close()
        loaded = self._shell.magics_manager.registry.get("DisplayMagics")
        self._table.update({name: self._ipythons(name, loaded) for name in self._own})


_HELP = """Run JavaScript in the browser.

    Examples::

        %%browser -i ranked
        Plot.plot({marks: [Plot.barY(ranked, {x: "Host", y: "Attempts"})]})

        %%browser -i hosts -o picked
        for (const host of hosts) {
          const button = d3.select(element).append("button").text(host.Computer);
          button.on("click", () => output("picked", host.Computer));
        }

    The code runs in a frame of its own, without network, with the inputs, `element`, and those of `d3`, `Plot` and `Arrow` that it
    names; a DataFrame is an iterable of rows. A DOM node that its last line makes is drawn. The output keeps its data and libraries:
    it draws in a new session, and in an HTML export. `output("picked", value)` binds the Python variable that `-o` names, each
    time it is called.
    """
