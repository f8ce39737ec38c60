"""Arrays and bags. An array is a JSON array; a function of something else gives null, as the reference says."""

from __future__ import annotations

from kqlmagic_ext.connections.local.functions.forms import add, add_of_any_number, once


def items(array: str) -> str:
    """The elements; null for what is no array."""
    return f"CASE WHEN json_type(to_json({array})) = 'ARRAY' THEN CAST(json_extract(to_json({array}), '$[*]') AS JSON[]) END"


def _over(body: str, *arrays: str) -> str:
    """SQL over the elements of arrays, each by its name; null where one is no array."""
    sql = f"CASE WHEN {' AND '.join(f'{name} IS NOT NULL' for name in 'abc'[: len(arrays)])} THEN to_json({body}) END"
    for name, array in reversed(list(zip("abc", arrays, strict=False))):
        sql = once(items(array), name, sql)
    return sql


_NUMBER = "CASE WHEN json_type(e) IN ('BIGINT', 'UBIGINT', 'DOUBLE') THEN TRY_CAST(CAST(e AS VARCHAR) AS DOUBLE) END"
_GROUP = "CASE json_type(e) WHEN 'VARCHAR' THEN 1 WHEN 'BIGINT' THEN 0 WHEN 'UBIGINT' THEN 0 WHEN 'DOUBLE' THEN 0 ELSE 2 END"


def sorted_sql(order: str, *, nulls_last: bool) -> str:
    """Numbers by size, texts by their letters, then all others, in both orders."""
    group = _GROUP if order == "ASC" else f"-({_GROUP})"
    keyed = f"list_transform(a, lambda e: struct_pack(g := {group}, n := {_NUMBER}, t := json_extract_string(e, '$'), e := e))"
    there = f"list_filter({keyed}, lambda s: json_type(s.e) <> 'NULL')"
    ordered = f"list_transform(list_sort({there}, '{order}', 'NULLS LAST'), lambda s: s.e)"
    nulls = "list_filter(a, lambda e: json_type(e) = 'NULL')"
    pieces = (ordered, nulls) if nulls_last else (nulls, ordered)
    return _over(f"list_concat({', '.join(pieces)})", "{0}")


def _turned(by: str) -> str:
    """The array with its first `by` elements at its end."""
    count = once(f"(({by}) % len(a) + len(a)) % len(a)", "k", "list_concat(a[k + 1:], a[:k])")
    return _over(f"CASE WHEN len(a) = 0 THEN a ELSE {count} END", "{0}")


def _shifted(by: str, filler: str) -> str:
    """The array with its elements moved to the left, and `filler` where none is left."""
    element = f"CASE WHEN i BETWEEN 1 AND len(a) THEN a[i] ELSE to_json({filler}) END"
    return _over(f"list_transform(range(1 + ({by}), len(a) + 1 + ({by})), lambda i: {element})", "{0}")


def _united(args: list[str]) -> str:
    """Each element once, of all the arrays."""
    return lists_sql(args, "list_distinct(flatten(l))")


def _common(args: list[str]) -> str:
    """Each element once that stands in all the arrays."""
    rest = "list_filter(list_distinct(l[1]), lambda e: list_bool_and(list_transform(l, lambda o: list_contains(o, e))))"
    return lists_sql(args, rest)


def _without(args: list[str]) -> str:
    """Each element of the first array once that stands in none of the others."""
    return lists_sql(args, "list_filter(list_distinct(l[1]), lambda e: NOT list_contains(flatten(l[2:]), e))")


def lists_sql(args: list[str], body: str) -> str:
    """SQL over the list `l` of the arrays' elements; null where one is no array."""
    listed = ", ".join(items(arg) for arg in args)
    all_there = "len(list_filter(l, lambda o: o IS NOT NULL)) = len(l)"
    return once(f"[{listed}]", "l", f"CASE WHEN {all_there} THEN to_json({body}) END")


_POINTER = "'/' || replace(replace({key}, '~', '~0'), '/', '~1')"


def entries(bag: str) -> str:
    """The keys and values of a bag."""
    pointer = _POINTER.replace("{key}", "k")
    return f"list_transform(json_keys({bag}), lambda k: struct_pack(k := k, v := json_extract({bag}, {pointer})))"


def bag_of(entries: str) -> str:
    """A bag of keys and values."""
    pairs = (
        f"list_transform({entries}, lambda p: CAST(to_json(p.k) AS VARCHAR) || ':' || CAST(p.v AS VARCHAR))"
    )
    return f"CAST('{{{{' || array_to_string({pairs}, ',') || '}}}}' AS JSON)"


def merged(pairs: str) -> str:
    """A bag of pairs of which some may have one key: the first of them counts."""
    firsts = "list_filter(l, lambda p, i: list_position(list_transform(l, lambda o: o.k), p.k) = i)"
    return once(pairs, "l", bag_of(firsts))


def _merged(args: list[str]) -> str:
    """All the bags' keys, each with the value that the first bag has which knows it; what is no bag is left out."""
    bags = ", ".join(f"CASE WHEN json_type({arg}) = 'OBJECT' THEN {entries(arg)} ELSE [] END" for arg in args)
    return merged(f"flatten([{bags}])").format()


def _add_bags() -> None:
    is_bag, keys = "json_type({0}) = 'OBJECT'", "json_keys({0})"
    add("bag_keys", {1: f"CASE WHEN {is_bag} THEN to_json({keys}) END"})
    path = "starts_with({1}, '$')"
    add(
        "bag_has_key",
        {
            2: f"CASE WHEN {is_bag} AND NOT {path} THEN list_contains({keys}, {{1}}) WHEN {is_bag} THEN json_exists({{0}}, {{1}}) END"
        },
    )
    added = f"list_concat({entries('{0}')}, [struct_pack(k := {{1}}, v := to_json({{2}}))])"
    replaced = f"list_transform({entries('{0}')}, lambda p: struct_pack(k := p.k, v := CASE WHEN p.k = {{1}} THEN to_json({{2}}) ELSE p.v END))"
    changed = f"CASE WHEN list_contains({keys}, {{1}}) THEN {replaced} ELSE {added} END"
    add("bag_set_key", {3: f"CASE WHEN {is_bag} AND NOT {path} THEN {bag_of(changed)} END"})
    add_of_any_number("bag_merge", _merged)


_TRUE = (
    "CASE json_type(e) WHEN 'BOOLEAN' THEN CAST(e AS VARCHAR) = 'true' WHEN 'NULL' THEN false "
    "ELSE coalesce(TRY_CAST(CAST(e AS VARCHAR) AS DOUBLE) <> 0, false) END"
)


def _chosen() -> str:
    """An element of the second or the third array, or the value itself, by the truth of each of the first."""

    def of(array: str) -> str:
        element = f"json_extract(to_json({array}), '$[' || CAST(i - 1 AS VARCHAR) || ']')"
        return f"CASE WHEN json_type(to_json({array})) = 'ARRAY' THEN {element} ELSE to_json({array}) END"

    truth = once("a[i]", "e", _TRUE)
    return _over(
        f"list_transform(range(1, len(a) + 1), lambda i: CASE WHEN {truth} THEN {of('{1}')} ELSE {of('{2}')} END)",
        "{0}",
    )


def _zipped() -> str:
    """A bag of keys and values: a key that is no text is left out, a missing value is null."""
    value = "json_extract(to_json({1}), '$[' || CAST(i - 1 AS VARCHAR) || ']')"
    pairs = f"list_transform(range(1, len(a) + 1), lambda i: struct_pack(k := json_extract_string(a[i], '$'), t := json_type(a[i]), v := coalesce({value}, CAST('null' AS JSON))))"
    texts = f"list_transform(list_filter({pairs}, lambda p: p.t = 'VARCHAR'), lambda p: struct_pack(k := p.k, v := p.v))"
    return once(items("{0}"), "a", f"CASE WHEN a IS NOT NULL THEN {merged(texts)} END")


def install() -> None:
    """Put them among duckdb-kql's."""
    add("array_rotate_left", {2: _turned("{1}")})
    add("array_rotate_right", {2: _turned("-({1})")})
    add("array_shift_left", {2: _shifted("{1}", "NULL"), 3: _shifted("{1}", "{2}")})
    add("array_shift_right", {2: _shifted("-({1})", "NULL"), 3: _shifted("-({1})", "{2}")})
    add_of_any_number("set_union", _united)
    add_of_any_number("set_intersect", _common)
    add_of_any_number("set_difference", _without)
    add("array_iff", {3: _chosen()})
    add("array_iif", {3: _chosen()})
    add("bag_zip", {2: _zipped()})
    _add_bags()
