"""`%%browser`: JavaScript in the browser, with the data of the notebook."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, cell_magic, magics_class, needs_local_scope, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments
from IPython.display import publish_display_data
from traitlets import Int

from kqlmagic_ext.display.browser import BrowserCell, bundle
from kqlmagic_ext.display.receipt import described
from kqlmagic_ext.magics import options as opt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from IPython.core.interactiveshell import InteractiveShell

    from kqlmagic_ext.magics.bindings import Bindings


@magics_class
class BrowserMagics(Magics):
    """JavaScript in the browser. `%config BrowserMagics` lists the settings."""

    browser_bytes = Int(
        5_000_000,
        min=0,
        help="The most bytes of data that a %%browser cell puts into the notebook, and that come back by one output().",
    ).tag(config=True)

    def __init__(self, shell: InteractiveShell, bindings: Bindings) -> None:
        super().__init__(shell)
        self._shell, self._bindings = shell, bindings

    @needs_local_scope
    @no_var_expand
    @magic_arguments()
    @opt.INPUT
    @opt.OUTPUT
    @argument("--allow-network", action="store_true", help="let the cell fetch from the network")
    @cell_magic
    def browser(self, line: str, cell: str, local_ns: Mapping[str, Any] | None = None) -> None:
        """Run JavaScript in the browser.

        Examples::

            %%browser -i ranked
            Plot.plot({marks: [Plot.barY(ranked, {x: "Host", y: "Attempts"})]})
        """
        asked = opt.parse(self.browser, line, cell)
        self._bindings.check(asked.outputs)
        names = opt.inputs(asked.options.input)
        lines = []
        crossed = {}
        for name, variable in names.items():
            value = self._bindings.value(variable, local_ns)
            from kqlmagic_ext.frames import to_envelope

            crossed[name] = json.dumps(
                to_envelope(value, variable), ensure_ascii=False, separators=(",", ":")
            )
            lines.append(f"{variable} → {name}: {described(value)}")
        drawn = BrowserCell(
            asked.text,
            f"cell [{self._shell.execution_count}]",
            crossed,
            (asked.line, asked.column),
            asked.outputs,
            self.browser_bytes,
            asked.options.allow_network,
            lines=tuple(lines),
        )
        publish_display_data(dict(bundle(drawn)))

    def close(self) -> None:
        """Nothing yet."""
