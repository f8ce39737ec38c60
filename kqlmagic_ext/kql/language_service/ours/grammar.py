"""Which words stand where in KQL: clauses, options and kinds of operators, statements, render's properties."""

from __future__ import annotations

STATEMENTS = ("let", "set", "declare", "restrict", "alias")
TABLE_WORDS = ("print", "range", "union", "datatable", "externaldata", "search", "find", "evaluate")
JOIN_KINDS = (
    "inner", "leftouter", "rightouter", "fullouter", "innerunique", "leftanti", "rightanti", "leftsemi", "rightsemi",
    "anti", "leftantisemi", "rightantisemi",
)  # fmt: skip
KINDS = {
    ("join", "kind"): JOIN_KINDS,
    ("lookup", "kind"): ("leftouter", "inner"),
    ("union", "kind"): ("outer", "inner"),
    ("union", "isfuzzy"): ("true", "false"),
    ("parse", "kind"): ("simple", "relaxed", "regex"),
    ("parse-where", "kind"): ("simple", "relaxed", "regex"),
    ("search", "kind"): ("default", "case_insensitive", "case_sensitive"),
    ("mv-expand", "bagexpansion"): ("bag", "array"),
    ("mv-expand", "kind"): ("bag", "array"),
    ("make-series", "kind"): ("nonempty",),
    ("", "strategy"): ("shuffle", "broadcast", "native"),
    ("", "remote"): ("auto", "left", "local", "right"),
}
OPTIONS = {
    "join": ("kind=", "hint.strategy=", "hint.remote=", "hint.shufflekey="),
    "lookup": ("kind=",),
    "union": ("withsource=", "isfuzzy=", "kind="),
    "parse": ("kind=",),
    "parse-where": ("kind=",),
    "mv-expand": ("bagexpansion=", "with_itemindex=", "kind="),
    "mv-apply": ("with_itemindex=",),
    "make-series": ("kind=",),
    "search": ("kind=",),
    "summarize": ("hint.strategy=", "hint.shufflekey="),
    "distinct": ("hint.strategy=",),
}
OPTION_NAMES = ("kind", "bagexpansion", "with_itemindex", "withsource", "with_source", "isfuzzy", "flags")
_ORDER = ("asc", "desc", "nulls first", "nulls last")
CLAUSES = {
    "summarize": ("by",),
    "sort": ("by", *_ORDER),
    "order": ("by", *_ORDER),
    "top": ("by", *_ORDER),
    "top-nested": ("of", "by", "with others=", *_ORDER),
    "top-hitters": ("of", "by"),
    "join": ("on",),
    "lookup": ("on",),
    "mv-expand": ("to typeof(", "limit"),
    "mvexpand": ("to typeof(", "limit"),
    "mv-apply": ("to typeof(", "limit", "on"),
    "mvapply": ("to typeof(", "limit", "on"),
    "parse": ("with",),
    "parse-where": ("with",),
    "parse-kv": ("as", "with"),
    "make-series": ("default=", "on", "from", "to", "step", "in", "by"),
    "sample-distinct": ("of",),
    "partition": ("by",),
    "facet": ("by", "with"),
    "reduce": ("by", "with"),
    "range": ("from", "to", "step"),
    "find": ("in", "where", "project", "withsource="),
    "search": ("in",),
    "externaldata": ("with",),
    "project-reorder": ("asc", "desc", "granny-asc", "granny-desc"),
    "scan": ("with", "declare", "partition by", "step", "order by"),
    "count": ("as",),
    "graph-match": ("where", "project"),
    "make-graph": ("with", "on", "partitioned-by"),
}
RENDER_KINDS = (
    "timechart", "columnchart", "barchart", "piechart", "linechart", "areachart", "stackedareachart", "scatterchart",
    "anomalychart", "ladderchart", "pivotchart", "card", "table",
)  # fmt: skip
RENDER_PROPERTIES = (
    "title", "kind", "xtitle", "ytitle", "xcolumn", "ycolumns", "series", "legend", "accumulate", "xaxis", "yaxis", "ymin",
    "ymax", "ysplit", "anomalycolumns",
)  # fmt: skip
RENDER_VALUES = {
    "kind": ("default", "unstacked", "stacked", "stacked100", "map"),
    "legend": ("visible", "hidden"),
    "accumulate": ("true", "false"),
    "xaxis": ("linear", "log"),
    "yaxis": ("linear", "log"),
    "ysplit": ("none", "axes", "panels"),
    "title": (), "xtitle": (), "ytitle": (), "ymin": (), "ymax": (),
}  # fmt: skip
INFIX = frozenset(
    """has has_cs hasprefix hasprefix_cs hassuffix hassuffix_cs contains contains_cs startswith startswith_cs endswith
    endswith_cs in between has_any has_all matches regex like likecs notlike notlikecs notcontains notcontainscs containscs
    and or not""".split()  # noqa: SIM905 - words read better as lines than as a list
)
# Words behind which an operand stands.
AFTER_WORD = frozenset(
    """and or by on of with in from to step has has_cs hasprefix hasprefix_cs hassuffix hassuffix_cs contains
    contains_cs startswith startswith_cs endswith endswith_cs between has_any has_all matches regex where project limit
    like notlike notcontains default typeof as""".split()  # noqa: SIM905 - words read better as lines than as a list
)
