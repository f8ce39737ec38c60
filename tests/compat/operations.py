"""What each library's users do first, as code over `frame`, and the line that cures what does not work as it stands."""

from __future__ import annotations

from typing import NamedTuple


class Operation(NamedTuple):
    """One row of the table: `code` is an expression over `frame`; it works where it raises nothing and `holds` is true.

    `holds`: an expression over `frame` and what the code `found`. `cure`: the frame with which it works, where one is needed.
    `needs_rows`: the library refuses an empty table by its own nature, which no cure changes.
    """

    library: str
    name: str
    code: str
    holds: str
    cure: str = ""
    needs_rows: bool = False


_NUMBERS = 'frame[["Bytes", "Score"]]'
_EXCEL = (
    "frame.assign(**{name: frame[name].dt.tz_localize(None) for name in frame.select_dtypes('datetimetz')})"
)
_TEXT = "frame.assign(Extra=frame.Extra.map(json.dumps))"

_SQL = "frame.assign(Cost=frame.Cost.astype(float), Extra=frame.Extra.map(json.dumps), Took=frame.Took.dt.total_seconds())"
_SHAPE = "tuple(found.shape) == (len(frame), 2)"
_FLOATS = f"{_NUMBERS}.to_numpy(dtype='float32', na_value=float('nan'))"

OPERATIONS = (
    Operation("pandas", "groupby", 'frame.groupby("User").Bytes.sum()', "found.sum() == frame.Bytes.sum()"),
    Operation(
        "pandas", "merge", 'frame.merge(frame.head(3), on="Bytes", how="left")', "len(found) >= len(frame)"
    ),
    Operation(
        "pandas",
        "resample",
        'frame.dropna(subset="TimeGenerated").resample("1h", on="TimeGenerated").Bytes.sum()',
        "found.sum() == frame.dropna(subset='TimeGenerated').Bytes.sum()",
    ),
    Operation(
        "pandas",
        "pivot_table",
        'frame.pivot_table(index="User", columns="Flag", values="Bytes")',
        "set(found.columns) == set(frame.dropna(subset=['Flag', 'Bytes']).Flag)",
    ),
    Operation(
        "pandas",
        "sort_values",
        'frame.sort_values(["User", "TimeGenerated"])',
        "found.User.is_monotonic_increasing",
    ),
    Operation(
        "pandas",
        "concat",
        "pd.concat([frame, frame], ignore_index=True)",
        "len(found) == 2 * len(frame) and (found.dtypes == frame.dtypes).all()",
    ),
    Operation("pandas", "query", 'frame.query("Bytes > 3")', "len(found) == (frame.Bytes > 3).sum()"),
    Operation("pandas", "describe", "frame.describe()", "found.loc['count', 'Bytes'] == frame.Bytes.count()"),
    Operation(
        "pandas",
        "drop_duplicates",
        "frame.drop_duplicates()",
        "len(found) == len(frame.astype(str).drop_duplicates())",
        _TEXT,
    ),
    Operation(
        "pandas",
        "mean of decimals",
        "frame.Cost.mean()",
        "not len(frame) or abs(float(found) - frame.Cost.dropna().astype(float).mean()) < 1e-6",
    ),
    Operation(
        "pandas",
        "to_json",
        "frame.to_json(orient='records', date_format='iso')",
        "len(json.loads(found)) == len(frame)",
    ),
    Operation("pandas", "pickle", "pickle.loads(pickle.dumps(frame))", "found.equals(frame)"),
    Operation("pandas", "to_csv", "frame.to_csv()", "found.count('\\n') == len(frame) + 1"),
    Operation(
        "pandas",
        "to_parquet",
        "frame.to_parquet(folder / 'x.parquet')",
        "pd.read_parquet(folder / 'x.parquet').Bytes.sum() == frame.Bytes.sum()",
        _TEXT,
    ),
    Operation(
        "openpyxl",
        "to_excel",
        "frame.head(100).to_excel(folder / 'x.xlsx')",
        "pd.read_excel(folder / 'x.xlsx').Bytes.sum() == frame.head(100).Bytes.sum()",
        _EXCEL,
    ),
    Operation(
        "sqlalchemy",
        "to_sql",
        "frame.to_sql('x', engine)",
        "pd.read_sql('select * from x', engine).Extra.map(json.loads).tolist() == frame.Extra.map(json.loads).tolist()",
        _SQL,
    ),
    Operation(
        "numpy", "asarray", f"np.asarray({_NUMBERS}, dtype=float)", _SHAPE, "frame.astype({'Bytes': float})"
    ),
    Operation(
        "scipy",
        "rankdata",
        "scipy.stats.rankdata(frame.Bytes)",
        "not np.isnan(found).any()",
        "frame.dropna(subset='Bytes')",
    ),
    Operation(
        "sklearn",
        "StandardScaler",
        f"sklearn.preprocessing.StandardScaler().fit_transform({_NUMBERS})",
        "abs(np.nanmean(found)) < 1e-6",
        needs_rows=True,
    ),
    Operation(
        "sklearn",
        "IsolationForest",
        f"sklearn.ensemble.IsolationForest(n_estimators=3).fit({_NUMBERS})",
        "len(found.estimators_) == 3",
        needs_rows=True,
    ),
    Operation(
        "matplotlib",
        "plot",
        "plt.plot(frame.TimeGenerated, frame.Bytes)",
        "len(found[0].get_xdata()) == len(frame)",
        "frame.dropna(subset=['TimeGenerated', 'Bytes'])",
    ),
    Operation("matplotlib", "hist", "plt.hist(frame.Score)", "found[0].sum() == frame.Score.count()"),
    Operation(
        "plotly",
        "scatter",
        "px.scatter(frame, x='TimeGenerated', y='Bytes', color='User')",
        "len(found.data) == frame.User.nunique()",
    ),
    Operation(
        "holoviews",
        "Curve",
        "hv.renderer('matplotlib').get_plot(hv.Curve(frame, 'TimeGenerated', 'Score'))",
        "found.state is not None",
    ),
    Operation(
        "hvplot", "line", "frame.hvplot.line(x='TimeGenerated', y='Score')", "len(found.data) == len(frame)"
    ),
    Operation(
        "altair",
        "point",
        "alt.Chart(frame.head(100)[['TimeGenerated', 'Bytes']]).mark_point().encode(x='TimeGenerated:T', y='Bytes:Q').to_dict()",
        "found['mark']['type'] == 'point'",
    ),
    Operation("seaborn", "histplot", "sns.histplot(frame, x='Score')", "found.get_xlabel() == 'Score'"),
    Operation(
        "statsmodels",
        "OLS",
        "sm.OLS(frame.Score, frame[['Bytes']], missing='drop').fit()",
        "abs(found.params['Bytes'] - 1 / 3) < 1e-6",
        needs_rows=True,
    ),
    Operation(
        "networkx",
        "from_pandas_edgelist",
        "nx.from_pandas_edgelist(frame, 'User', 'Id')",
        "found.number_of_edges() > 0 or not len(frame)",
    ),
    Operation(
        "polars",
        "from_pandas",
        "pl.from_pandas(frame)",
        "found.height == len(frame) and (found['Bytes'].sum() or 0) == frame.Bytes.sum()",
        _TEXT,
    ),
    Operation(
        "duckdb",
        "query",
        "duckdb.query('select count(*), sum(Bytes) from frame').fetchall()",
        "found[0][0] == len(frame) and (found[0][1] or 0) == frame.Bytes.sum()",
    ),
    Operation("torch", "tensor", f"torch.tensor({_FLOATS})", _SHAPE),
    Operation("tensorflow", "constant", f"tf.constant({_FLOATS})", _SHAPE),
    Operation("keras", "convert_to_tensor", f"keras.ops.convert_to_tensor({_FLOATS})", _SHAPE),
)
