"""The report as one HTML file."""

from __future__ import annotations

import html
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from kqlmagic_ext.errors import visible
from kqlmagic_ext.record.report.chapters import FIRST_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kqlmagic_ext.record.report.chapters import Chapter, Rows

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_MOST_COLUMNS = 10
_MOST_TURNED = 3
_SHORT = 25  # lines of a query that stays on one page
_LEFT_OUT = (
    "Left out are drawings of browser cells, charts that were changed by hand, and what was done in Python, PowerShell "
    "and JavaScript between the queries: none of these is in the record."
)

_HASHES = (
    "SHA-256 of each answer as it came: of its content (form 1) and of the file that keeps it. "
    f"Tables above show their first {FIRST_ROWS} rows, or a few more where those are all."
)
_NO_HASHES = (
    "The hashes are left out: hidden values could be guessed from them. %kql_verify checks them in the case."
)


@dataclass(frozen=True)
class Cover:
    """What stands at the head of a report: `notices` are sentences about what it hides or lacks."""

    title: str
    case: str
    made: str
    maker: str
    notices: tuple[str, ...] = ()
    tree: str = ""


def page(cover: Cover, chapters: Sequence[Chapter], cells: str | None = None) -> str:
    """The whole file; every text of the case is escaped, and nothing in it runs, loads or links outside.

    `cells`: HTML of a notebook's cells, which stand in the place of the chapters.
    """
    style = (files("kqlmagic_ext.record.report") / "style.css").read_text("utf-8")
    told = [_chapter(chapter) for chapter in chapters] if cells is None else [cells]
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{_line(cover.title)}</title>",
            f"<style>\n{style}</style></head><body><main>",
            *_head(cover, chapters),
            *told,
            *_appendix(chapters),
            "</main></body></html>\n",
        ]
    )


def _head(cover: Cover, chapters: Sequence[Chapter]) -> Iterable[str]:
    yield f"<header><h1>{_line(cover.title)}</h1>"
    yield f"<p>Case {_line(cover.case)} · made {_line(cover.made)} by {_line(cover.maker)}</p></header>"
    yield _facts(_summary(chapters))
    invented = [chapter.id for chapter in chapters if chapter.synthetic]
    if invented:
        answered = sum(bool(chapter.hashes) for chapter in chapters)
        which = "All data" if len(invented) == answered else f"The data of {', '.join(invented)}"
        yield f'<p class="banner">{_line(which)} are synthetic: the demo workspace invents them.</p>'
    for notice in (*cover.notices, _LEFT_OUT):
        yield f'<p class="notice">{_line(notice)}</p>'
    if cover.tree:
        yield f"<nav><h2>What fed what</h2><div class='tree'>{_tree(cover.tree)}</div></nav>"


def _summary(chapters: Sequence[Chapter]) -> Iterable[tuple[str, str]]:
    """How much of what there is, from when to when, and where it was asked."""
    kinds = [chapter.kind for chapter in chapters]
    failed = sum(bool(chapter.error) for chapter in chapters)
    asked, noted, forgotten = map(kinds.count, ("query", "note", "forgotten"))
    told = [f"{asked:,} {'query' if asked == 1 else 'queries'}" + (f" ({failed:,} failed)" if failed else "")]
    told += [f"{noted:,} note{'s' * (noted != 1)}"] if noted else []
    told += [f"{open_ones:,} without a known answer"] if (open_ones := kinds.count("asked")) else []
    told += [f"{forgotten:,} forgotten"] if forgotten else []
    yield "records", f"{len(kinds):,}: {', '.join(told)}"
    yield "times", f"{chapters[0].time[:19]}Z to {chapters[-1].time[:19]}Z" if chapters else ""
    facts = [dict(chapter.facts) for chapter in chapters]
    places = dict.fromkeys(
        f"{one['connection']} {one.get('place', '')}".strip() for one in facts if "connection" in one
    )
    yield "asked of", "; ".join(places)


def _chapter(chapter: Chapter) -> str:
    if chapter.kind == "forgotten":
        return (
            f'<section class="note"><p>{_line(chapter.id)} was forgotten {_line(chapter.time)}.</p></section>'
        )
    if chapter.kind == "note":
        return (
            f'<section class="note" id="{_line(chapter.id)}"><p>{_line(chapter.text)}</p>'
            f"<footer>{_line(chapter.id)}, noted {_line(chapter.time)}</footer></section>"
        )
    failed = " failed" if chapter.error else ""
    short = " short" if chapter.text.count("\n") < _SHORT else ""
    parts = [
        f'<section class="query{failed}" id="{_line(chapter.id)}">',
        f"<h2>{_line(chapter.id)} <time>{_line(chapter.time)}</time></h2>",
        f'<pre class="asked{short}">{_block(chapter.text)}</pre>',
        *(
            [f'<p class="label">as sent</p><pre class="sent">{_block(chapter.sent)}</pre>']
            if chapter.sent
            else []
        ),
        _facts(chapter.facts),
        *([f'<p class="error">{_line(chapter.error)}</p>'] if chapter.error else []),
        *(f'<p class="remark">{_line(remark)}</p>' for remark in chapter.remarks),
        _figure(chapter),
        *(_table(table) for table in chapter.tables),
        "</section>",
    ]
    return "\n".join(part for part in parts if part)


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    rows = "".join(f"<dt>{_line(name)}</dt><dd>{_line(text)}</dd>" for name, text in facts)
    return f"<dl>{rows}</dl>" if rows else ""


def _figure(chapter: Chapter) -> str:
    if not chapter.picture:
        return f'<p class="remark">{_line(chapter.caption)}</p>' if chapter.caption else ""
    caption = f"<figcaption>{_line(chapter.caption)}</figcaption>" if chapter.caption else ""
    return (
        f'<figure><img alt="chart of {_line(chapter.id)}" src="{_line(chapter.picture)}">{caption}</figure>'
    )


def _table(table: Rows) -> str:
    if len(table.columns) > _MOST_COLUMNS:
        return _turned(table)
    shown = len(table.rows)
    said = f"first {shown} of {table.total:,} rows" if shown < table.total else ""
    return _grid("rows", table.columns, table.rows, said if table.total else "no rows")


def _turned(table: Rows) -> str:
    """The first rows of a table too wide for a page, each as a column; columns that are empty in them are left out."""
    rows = table.rows[:_MOST_TURNED]
    lines = [(name, *cells) for name, *cells in zip(table.columns, *rows, strict=True) if any(cells)]
    empty = len(table.columns) - len(lines)
    left_out = f"; {empty} columns that are empty in them are left out" if empty else ""
    said = f"first {len(rows)} of {table.total:,} rows, a line a column{left_out}"
    return _grid("rows turned", ("", *(f"row {number}" for number in range(1, len(rows) + 1))), lines, said)


def _grid(kind: str, columns: Iterable[str], rows: Iterable[Iterable[str | None]], said: str) -> str:
    head = "".join(f"<th>{_line(name)}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(f'{_cell(cell)}' for cell in row)}</tr>" for row in rows)
    note = f'<p class="count">{_line(said)}</p>' if said else ""
    return (
        f'<div class="{kind}"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{note}'
    )


def _cell(text: str | None) -> str:
    return '<td class="null">null</td>' if text is None else f"<td>{_line(text)}</td>"


def _appendix(chapters: Sequence[Chapter]) -> Iterable[str]:
    """The hashes of all answers, where they may be told, and what made the answers."""
    told = [(chapter.id, *hashes) for chapter in chapters for hashes in chapter.hashes]
    rows = [
        f"<tr><td>{_line(identity)}</td><td>{_line(state)}</td><td><code>{content}</code></td><td><code>{file}</code></td></tr>"
        for identity, content, file, state in told
        if content
    ]
    yield '<section class="appendix"><h2>Hashes and versions</h2>'
    if rows:
        yield f"<p>{_HASHES}</p>"
        yield "<table class='hashes'><thead><tr><th>record</th><th>state</th><th>content</th><th>file</th></tr></thead><tbody>"
        yield "".join(rows) + "</tbody></table>"
    elif told:
        yield f"<p>{_NO_HASHES}</p>"
        yield "".join(f"<p>{_line(identity)}: {_line(state)}</p>" for identity, *_, state in told)
    versions = list(dict.fromkeys(chapter.versions for chapter in chapters if chapter.versions))
    yield "".join(f"<p>{_line(version)}</p>" for version in versions) + "</section>"


def _tree(text: str) -> str:
    """Lines that keep their indent where they are wrapped."""
    lines = [(len(line) - len(line.lstrip(" ")), line.lstrip(" ")) for line in text.split("\n")]
    return "".join(f'<p style="margin-left: {indent + 2}ch">{_line(line)}</p>' for indent, line in lines)


def _line(text: str) -> str:
    """Text of a case within a line: escaped, hidden characters shown as escapes."""
    return html.escape(visible(text))


def _block(text: str) -> str:
    """Text of a case in lines of its own."""
    return "\n".join(_line(line.replace("\t", "    ")) for line in text.split("\n"))
