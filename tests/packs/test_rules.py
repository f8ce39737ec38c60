"""Microsoft Sentinel's rules in YAML, as saved queries."""

from __future__ import annotations

from pathlib import Path

import pytest

from kqlmagic_ext import QueryError
from kqlmagic_ext.packs import Entity, SavedQuery, read, write
from tests.kql.corpus import queries

RULE = """id: 00000000-0000-0000-0000-000000000002
name: 'Sign-ins: refused'
description: |
  'Counts what was refused.'
queryPeriod: P2DT1H30M
requiredDataConnectors: []
tactics: [CredentialAccess, InitialAccess]
relevantTechniques:
  - T1110.003
query: |

  SigninLogs   \t
  | where ResultType != "0" // {not: a mapping}
    and true
entityMappings:
  - entityType: Account
    fieldMappings:
      - {identifier: FullName, columnName: UserPrincipalName}
      - {identifier: AadUserId, columnName: UserId}
  - {entityType: IP, fieldMappings: [{identifier: Address, columnName: IPAddress}]}
alertDetailsOverride:
  alertDisplayNameFormat: 'Refused: {{UserPrincipalName}}'
version: 1.0.0
"""


def rule(tmp_path: Path, content: str) -> SavedQuery:
    path = tmp_path / "rule.yaml"
    path.write_text(content, "utf-8")
    return read(path)


def test_a_rule_is_a_saved_query(tmp_path: Path) -> None:
    found = rule(tmp_path, RULE)
    assert found.name == "Sign-ins: refused"
    assert found.description == "'Counts what was refused.'"
    assert found.timespan == "P2DT1H30M"
    assert found.tactics == ("CredentialAccess", "InitialAccess")
    assert found.techniques == ("T1110.003",)
    assert found.entities == (
        Entity("Account", "FullName", "UserPrincipalName"),
        Entity("Account", "AadUserId", "UserId"),
        Entity("IP", "Address", "IPAddress"),
    )
    assert found.text.startswith("\nSigninLogs   \t\n")
    assert found.text.endswith("  and true\n")
    assert found.origin is not None
    assert RULE.split("\n")[found.origin.line] == "  SigninLogs   \t"  # type: ignore[index]
    assert found.origin.indent == 2


def test_a_rule_becomes_a_kql_file_with_all_that_was_read(tmp_path: Path) -> None:
    found = rule(tmp_path, RULE)
    write(tmp_path / "rule.kql", found)
    assert read(tmp_path / "rule.kql") == found


@pytest.mark.parametrize(
    ("query", "text", "line"),
    [
        ("query: SigninLogs | count", "SigninLogs | count", None),
        ("query: 'a\n  b'", "a b", None),
        ('query: "a\\nb"', "a\nb", None),
        ("query: >\n  a\n  b\n", "a b\n", None),
        ("query: |-\n    a\n     b\n\n", "a\n b", 3),
        ("query: |2\n    a\n  b\n", "  a\nb\n", 3),
        ("query: |\r\n  a\r\n  b\r\n", "a\nb\n", 3),
    ],
)
def test_each_way_to_write_a_text_is_read(tmp_path: Path, query: str, text: str, line: int | None) -> None:
    (tmp_path / "rule.yaml").write_bytes(f"name: x\n{query}".encode())
    found = read(tmp_path / "rule.yaml")
    assert found.text == text
    assert found.origin is not None
    assert found.origin.line == line


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name: a\n", "line 1: there is no `query`, so this is no rule"),
        ("", "rule.yaml: there is no `query`, so this is no rule"),
        ("- a\n", "line 1: a rule wants lines of the form `key: value`"),
        ("name: a\nquery: |\nSigninLogs\n| take 1\n", "line 4: this is no YAML: "),
        ("name: a\nquery: ''\n", "line 2: the `query` is empty"),
        ("name: a\nquery: x\nqueryPeriod: often\n", "line 3: 'often' is no timespan"),
        ("query: x\nentityMappings:\n- fieldMappings:\n  - {identifier: a}\n", "line 4: a field mapping has an identifier"),
        ("query: x\n---\nquery: y\n", "line 2: this is no YAML: but found another document"),
    ],
)  # fmt: skip
def test_a_bad_rule_is_told_with_its_line(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(QueryError) as raised:
        rule(tmp_path, content)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_real_queries_are_read_from_rules_and_files(tmp_path: Path) -> None:
    corpus = queries()
    rules = [query for query in corpus if query["kind"] == "yaml:query"]
    assert len(rules) > 400
    read_well = sum(_is_read(tmp_path, query["name"], query["query"]) for query in rules)
    print(f"{read_well} of {len(rules)} rules")  # noqa: T201 - pytest -s shows it
    assert read_well >= 0.95 * len(rules)
    for query in corpus:
        saved = SavedQuery(query["name"], query["query"])
        write(tmp_path / "query.kql", saved)
        assert read(tmp_path / "query.kql") == saved


def _is_read(tmp_path: Path, name: str, text: str) -> bool:
    """Whether a rule around the text, written as rules are, gives the text and the line of each of its lines."""
    header = f"id: x\nname: |-\n  {name}\nqueryPeriod: 1d\nquery: |2-\n"
    content = header + "\n".join(f"  {line}" for line in text.split("\n")) + "\nversion: 1.0.0\n"
    (tmp_path / "rule.yaml").write_text(content, "utf-8", newline="")
    try:
        found = read(tmp_path / "rule.yaml")
    except QueryError as error:
        print(error)  # noqa: T201 - pytest -s shows it
        return False
    place = found.origin
    return found.text == text and place is not None and (place.line, place.indent) == (6, 2)
