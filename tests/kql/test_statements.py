from __future__ import annotations

import pytest

from kqlmagic_ext import QueryError
from kqlmagic_ext.kql.statements import find_slips, preview, render_clause, tabular_statements


def test_other_tabular_statements_are_blanked_out_and_offsets_stay() -> None:
    text = "let a = 1;\nT | take 1;\nU | count"
    first, second = tabular_statements(text)
    assert len(first) == len(second) == len(text)
    assert first.split() == ["let", "a", "=", "1;", "T", "|", "take", "1;"]
    assert second.index("U") == text.index("U")
    assert first.count("\n") == second.count("\n") == 2


@pytest.mark.parametrize(
    "text", ["", "  \n", "// only", "let a = 1", "let a = 1;", ".show tables", "T; .drop table T"]
)
def test_what_asks_nothing_is_refused(text: str) -> None:
    with pytest.raises(QueryError):
        tabular_statements(text)


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("T | render timechart", {"visualization": "timechart"}),
        (
            'T | render barchart with (title="a, (b)", ymin=0) ;',
            {"visualization": "barchart", "title": "a, (b)", "ymin": "0"},
        ),
        (
            "T | render barchart with (Kind = stacked, yColumns = a, b, legend=hidden)",
            {"visualization": "barchart", "kind": "stacked", "ycolumns": "a, b", "legend": "hidden"},
        ),
        ("let t = 'x'; T | render card with (title=t)", {"visualization": "card", "title": "x"}),
        (
            "let t = 'x'; T | render card with (title='t', series=t)",
            {"visualization": "card", "title": "t", "series": "t"},
        ),
        ('let _in_t = "é\\n"; T | render card with (title=_in_t)', {"visualization": "card", "title": "é\n"}),
        (
            "let n = long(5); let b = true; T | render card with (ymin=n, title=b)",
            {"visualization": "card", "ymin": "5", "title": "true"},
        ),
        (
            "T | render card with (title='it\\'s', xtitle=@'C:\\x')",
            {"visualization": "card", "title": "it's", "xtitle": "C:\\x"},
        ),
        ("T | where a == 'x | render piechart'", None),
        ("T | join (U | render piechart) on a", None),
        ("let r = 1; T // | render card", None),
    ],
)
def test_the_render_clause_is_the_last_operators(text: str, clause: dict[str, str] | None) -> None:
    found = render_clause(text)
    assert (found and dict(found)) == clause


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("T", "T | take 5"),
        ("T // all", "T | take 5 // all"),
        ("T | render timechart", "T | take 5 | render timechart"),
        ("let a = T; a; T | count;", "let a = T; a | take 5; T | count | take 5;"),
    ],
)
def test_a_preview_takes_before_it_draws(text: str, expected: str) -> None:
    assert preview(text, 5).split() == expected.split()
    assert preview(text, 5).count("\n") == text.count("\n")


@pytest.mark.parametrize("text", ["T | where a = 1", "T | filter a=1", "T | join (U | where b = 2) on a"])
def test_an_assignment_in_where_is_refused(text: str) -> None:
    with pytest.raises(QueryError, match="=="):
        find_slips(text)


def test_a_name_given_to_true_is_said() -> None:
    [warning] = find_slips("T | where isAudit = true")
    assert warning == "where isAudit = true keeps all rows: = gives a name, == compares"


@pytest.mark.parametrize(
    "text", ["T | where t > datetime(_in_start)", "print bool(x)", "print long(y)", "print dynamic(z)"]
)
def test_a_literal_of_a_name_is_refused(text: str) -> None:
    with pytest.raises(QueryError, match=r"takes a literal.*write to\w+\("):
        find_slips(text)


@pytest.mark.parametrize(
    "text",
    [
        "print datetime(null)",
        "print real(nan)",
        "print real(-inf)",
        "print bool(true)",
        "print guid(ab)",
        "print todatetime(x)",
    ],
)
def test_a_literal_of_a_value_is_not(text: str) -> None:
    find_slips(text)


@pytest.mark.parametrize(
    "text", ["T | where a == 1", "T | where a =~ 'x'", "T | extend where_ = 1", "T | where a != 1"]
)
def test_a_comparison_in_where_is_not(text: str) -> None:
    find_slips(text)
