"""What is said of a word of KQL is what happens with it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from IPython.core.error import UsageError

from kqlmagic_ext import KqlMagicError, QueryError, UnsupportedError
from kqlmagic_ext.connections.local.connection import LocalConnection
from kqlmagic_ext.connections.local.support import PAGE, Support, page, support
from tests.local.conftest import answer
from tests.notebook import Notebook

Open = Callable[..., LocalConnection]
T = "datatable (a: long, s: string, d: dynamic, t: datetime) [1, 'x', dynamic({'k': [1]}), datetime(2026-01-01)]"
# A query that needs each word; where the word is not there, it must be refused.
EXAMPLES = {
    "as": f"{T} | as A | count",
    "consume": f"{T} | consume",
    "count": f"{T} | count",
    "datatable": T,
    "distinct": f"{T} | distinct a",
    "evaluate": f"{T} | evaluate bag_unpack(d)",
    "extend": f"{T} | extend b = 1",
    "externaldata": "externaldata (a: string) ['a.csv']",
    "facet": f"{T} | facet by a",
    "filter": f"{T} | filter a == 1",
    "find": f"let X = {T}; find in (X) where a == 1 project a",
    "fork": f"{T} | fork (take 1) (count)",
    "getschema": f"{T} | getschema",
    "graph-match": "let E = datatable (f: string, g: string) ['a', 'b']; let N = datatable (n: string) ['a', 'b']; "
    "E | make-graph f --> g with N on n | graph-match (x)-[e]->(y) project x.n",
    "graph-to-table": "let E = datatable (f: string, g: string) ['a', 'b']; E | make-graph f --> g with_node_id=n | graph-to-table nodes",
    "invoke": f"let f = (T: (a: long)) {{ T | take 1 }}; {T} | invoke f()",
    "join": f"{T} | join ({T}) on a",
    "limit": f"{T} | limit 1",
    "lookup": f"{T} | lookup ({T}) on a",
    "macro-expand": f"let X = {T}; macro-expand entity_group [cluster('c').database('d')] as Y (Y.X)",
    "make-graph": "let E = datatable (f: string, g: string) ['a', 'b']; E | make-graph f --> g | graph-match (x)-[e]->(y) project e.f",
    "make-series": f"{T} | make-series count() on t step 1d",
    "mv-apply": f"{T} | mv-apply k = d.k on (take 1)",
    "mvapply": f"{T} | mvapply k = d.k on (take 1)",
    "mv-expand": f"{T} | mv-expand d",
    "mvexpand": f"{T} | mvexpand d",
    "order": f"{T} | order by a",
    "parse": f"{T} | parse s with 'x' y:string",
    "parse-kv": f"{T} | parse-kv s as (k: string) with (pair_delimiter=' ', kv_delimiter='=')",
    "parse-where": f"{T} | parse-where s with 'x' y:string",
    "partition": f"{T} | partition by a (take 1)",
    "print": "print 1",
    "project": f"{T} | project a",
    "project-away": f"{T} | project-away a",
    "project-by-names": f"{T} | project-by-names dynamic(['a'])",
    "project-keep": f"{T} | project-keep a",
    "project-rename": f"{T} | project-rename b = a",
    "project-reorder": f"{T} | project-reorder s",
    "range": "range x from 1 to 3 step 1",
    "reduce": f"{T} | reduce by s",
    "render": f"{T} | render table",
    "sample": f"{T} | sample 1",
    "sample-distinct": f"{T} | sample-distinct 1 of a",
    "scan": f"{T} | sort by a asc | scan with (step x: true;)",
    "search": f"{T} | search 'x'",
    "serialize": f"{T} | serialize n = row_number()",
    "sort": f"{T} | sort by a",
    "summarize": f"{T} | summarize count() by a",
    "take": f"{T} | take 1",
    "top": f"{T} | top 1 by a",
    "top-hitters": f"{T} | top-hitters 1 of a",
    "top-nested": f"{T} | top-nested 1 of a by count()",
    "union": f"union ({T}), ({T})",
    "where": f"{T} | where a == 1",
    "materialize": f"let X = materialize({T}); X",
    "table": f"let X = {T}; table('a_table')",
    "toscalar": f"print toscalar({T} | count)",
    "totable": "print totable(1)",
    "_GetWatchlist": "_GetWatchlist('w')",
    "bag_unpack": f"{T} | evaluate bag_unpack(d)",
    "pivot": f"{T} | evaluate pivot(s)",
    "narrow": f"{T} | evaluate narrow()",
    "ipv4_lookup": "let L = datatable (n: string) ['10.0.0.0/8']; print i = '10.1.1.1' | evaluate ipv4_lookup(L, i, n)",
    "ipv6_lookup": "let L = datatable (n: string) ['fe80::/16']; print i = 'fe80::1' | evaluate ipv6_lookup(L, i, n)",
    "schema_merge": f"{T} | getschema | union ({T} | getschema) | evaluate schema_merge()",
    "active_users_count": f"{T} | evaluate active_users_count(a, t, datetime(2026-01-01), datetime(2026-01-03), 1d, 1d, 1d, 1)",
    "activity_counts_metrics": f"{T} | evaluate activity_counts_metrics(a, t, datetime(2026-01-01), datetime(2026-01-03), 1d)",
    "rows_near": f"{T} | sort by t asc | evaluate rows_near(a == 1, 1)",
    "rolling_percentile": f"{T} | evaluate rolling_percentile(a, 50, t, 1d, 1)",
}
CALLS = {
    name: f"print {name}('x')" for name in ("cluster", "database", "external_table", "materialized_view")
}


def listed(*kinds: str) -> list[Support]:
    return [each for each in support() if each.word.kind in kinds]


def example(each: Support) -> str:
    name = each.word.name
    return EXAMPLES.get(name) or (
        f"{T} | evaluate {name}(a)" if each.word.kind == "plugin" else f"{name}('x') | take 1"
    )


@pytest.mark.parametrize("each", listed("operator", "plugin", "tabular"), ids=lambda each: each.word.name)
def test_an_operator_runs_where_it_is_said_to_and_is_refused_elsewhere(
    opened: Open, tmp_path: object, each: Support
) -> None:
    folder = type(PAGE)(str(tmp_path))
    (folder / "watchlists").mkdir()
    for name in ("a.csv", "a_table.csv", "watchlists/w.csv"):
        (folder / name).write_text("SearchKey\nx\n", "utf-8")
    connection = opened(folder)
    if each.state == "no":
        with pytest.raises((UnsupportedError, QueryError)):
            answer(connection, example(each))
    else:
        answer(connection, example(each))


@pytest.mark.parametrize("each", listed("function", "window", "aggregate"), ids=lambda each: each.word.name)
def test_a_function_is_known_where_it_is_said_to_be_and_refused_elsewhere(
    each: Support, opened: Open
) -> None:
    connection = opened("local://")
    name = each.word.name
    head = "print a = 1 | summarize " if each.word.kind == "aggregate" else "print a = 1 | extend x = "
    refusals = set()
    for count in range(5):
        arguments = "a, 50" if name.startswith("percentiles") else ", ".join(["a"] * count)
        try:
            answer(connection, f"{head}{name}({arguments})")
            refusals.add("")
        except KqlMagicError as error:
            refusals.add(str(error))
    unknown = [said for said in refusals if f"has no function {name}()" in said]
    assert bool(unknown) == (each.state == "no"), refusals


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text("utf-8") == page(), "python -m kqlmagic_ext.connections.local.support"


def test_every_note_is_about_a_word_in_its_state() -> None:
    from kqlmagic_ext.connections.local.support import _notes

    states = {each.word.name: each.state for each in support()}
    assert {name: states[name] for name in _notes()["limits"]} == dict.fromkeys(_notes()["limits"], "limits")
    assert {name: states[name] for name in _notes()["no"]} == dict.fromkeys(_notes()["no"], "no")


def test_the_magic_tells_one_word_and_all_of_them(notebook: Notebook) -> None:
    notebook.value("%kql_support dcount()")
    assert notebook.receipt.startswith("dcount() (aggregate): with limits: counts exactly")
    frame = notebook.value("%kql_support")
    assert len(frame) == len(support())
    assert set(frame["State"]) == {"yes", "with limits", "no"}
    with pytest.raises(UsageError, match=r"no word of KQL's reference; did you mean summarize\?"):
        notebook.value("%kql_support sumarize")
