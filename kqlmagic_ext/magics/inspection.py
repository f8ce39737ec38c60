"""The kernel's inspection, Shift-Tab in a notebook: for KQL a reply of ours, for all else the kernel's own."""

from __future__ import annotations

import html
import inspect
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.errors import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kqlmagic_ext.kql.language_service import Hover
    from kqlmagic_ext.magics.typing import Typing


def wrap_inspection(kernel: Any, typing: Typing) -> Callable[[], None]:
    """Let the kernel's `do_inspect` ask us first; gives what restores it."""
    original, own = kernel.do_inspect, vars(kernel).get("do_inspect")
    is_async = inspect.iscoroutinefunction(original)

    def do_inspect(code: str, cursor_pos: int, detail_level: int = 0, omit_sections: Any = ()) -> Any:
        if not typing.is_ours(code, cursor_pos):
            return original(code, cursor_pos, detail_level, omit_sections)
        answer = reply(typing.hover(code, cursor_pos))
        return _later(answer) if is_async else answer

    kernel.do_inspect = do_inspect

    def restore() -> None:
        if vars(kernel).get("do_inspect") is not do_inspect:
            return
        del kernel.do_inspect  # the class's own shows again
        if own is not None:
            kernel.do_inspect = own

    return restore


async def _later(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    return answer


def reply(hover: Hover | None) -> dict[str, Any]:
    """The kernel's reply to an inspection: plain text, Markdown and HTML, each escaped."""
    data = {} if hover is None else {
        "text/plain": _plain(hover), "text/markdown": _markdown(hover), "text/html": _html(hover)
    }  # fmt: skip
    return {"status": "ok", "found": hover is not None, "data": data, "metadata": {}}


def _plain(hover: Hover) -> str:
    lines = (visible(hover.signature), hover.sentence, hover.address)
    return "\n".join(line for line in lines if line)


def _markdown(hover: Hover) -> str:
    signature = visible(hover.signature)
    fence = "`" * (3 + signature.count("`"))
    link = f"[{hover.address}]({hover.address})" if hover.address else ""
    sentence = "".join(f"\\{char}" if char in "\\`*_{}[]<>#|~" else char for char in hover.sentence)
    return "\n\n".join(part for part in (f"{fence}kusto\n{signature}\n{fence}", sentence, link) if part)


def _html(hover: Hover) -> str:
    address = html.escape(hover.address, quote=True)
    link = (
        f'<p><a href="{address}" target="_blank" rel="noopener noreferrer">{address}</a></p>'
        if address
        else ""
    )
    sentence = f"<p>{html.escape(hover.sentence)}</p>" if hover.sentence else ""
    return f"<pre>{html.escape(visible(hover.signature))}</pre>{sentence}{link}"
