"""What each library's users do first, as code over `frame`, and the line that cures what does not work as it stands."""

from __future__ import annotations

from typing import NamedTuple


class Operation(NamedTuple):
    """One row of the table: `code` is an expression over `frame`; `cure` gives the frame with which it works, where one is needed.

    `needs_rows`: the library refuses an empty table by its own nature, which no cure changes.
    """

    library: str
    name: str
    code: str
    cure: str = ""
    needs_rows: bool = False


_NUMBERS = 'frame[["Bytes", "Score"]]'
_EXCEL = "frame.assign(TimeGenerated=frame.TimeGenerated.dt.tz_localize(None))"

OPERATIONS = (
    Operation("pandas", "groupby", 'frame.groupby("User").Bytes.sum()'),
    Operation("pandas", "merge", 'frame.merge(frame.head(3), on="Bytes", how="left")'),
    Operation(
        "pandas",
        "resample",
        'frame.dropna(subset="TimeGenerated").resample("1h", on="TimeGenerated").Bytes.sum()',
    ),
    Operation("pandas", "pivot_table", 'frame.pivot_table(index="User", columns="Flag", values="Bytes")'),
    Operation("pandas", "sort_values", 'frame.sort_values(["User", "TimeGenerated"])'),
    Operation("pandas", "concat", "pd.concat([frame, frame], ignore_index=True)"),
    Operation("pandas", "query", 'frame.query("Bytes > 3")'),
    Operation("pandas", "describe", "frame.describe()"),
    Operation("pandas", "drop_duplicates", "frame.drop_duplicates()", "frame.astype({'Extra': str})"),
    Operation("pandas", "mean of decimals", "frame.Cost.mean()"),
    Operation("pandas", "to_json", "frame.to_json(orient='records', date_format='iso')"),
    Operation("pandas", "pickle", "pickle.loads(pickle.dumps(frame))"),
    Operation("pandas", "to_csv", "frame.to_csv()"),
    Operation("pandas", "to_parquet", "frame.to_parquet(folder / 'x.parquet')"),
    Operation("openpyxl", "to_excel", "frame.head(100).to_excel(folder / 'x.xlsx')", _EXCEL),
    Operation(
        "sqlalchemy",
        "to_sql",
        "frame.to_sql('x', sqlalchemy.create_engine('sqlite://'))",
        "frame.astype({'Cost': str, 'Extra': str, 'Took': str})",
    ),
    Operation("numpy", "asarray", f"np.asarray({_NUMBERS}, dtype=float)", "frame.astype({'Bytes': float})"),
    Operation("scipy", "rankdata", "scipy.stats.rankdata(frame.Bytes)"),
    Operation(
        "sklearn",
        "StandardScaler",
        f"sklearn.preprocessing.StandardScaler().fit_transform({_NUMBERS})",
        needs_rows=True,
    ),
    Operation(
        "sklearn",
        "IsolationForest",
        f"sklearn.ensemble.IsolationForest(n_estimators=3).fit({_NUMBERS})",
        needs_rows=True,
    ),
    Operation(
        "matplotlib",
        "plot",
        "plt.plot(frame.TimeGenerated, frame.Bytes)",
        "frame.dropna(subset=['TimeGenerated', 'Bytes'])",
    ),
    Operation("matplotlib", "hist", "plt.hist(frame.Score)"),
    Operation("plotly", "scatter", "px.scatter(frame, x='TimeGenerated', y='Bytes', color='User').to_json()"),
    Operation(
        "holoviews", "Curve", "hv.renderer('matplotlib').get_plot(hv.Curve(frame, 'TimeGenerated', 'Score'))"
    ),
    Operation("seaborn", "histplot", "sns.histplot(frame, x='Score')"),
    Operation(
        "statsmodels", "OLS", "sm.OLS(frame.Score, frame[['Bytes']], missing='drop').fit()", needs_rows=True
    ),
    Operation("networkx", "from_pandas_edgelist", "nx.from_pandas_edgelist(frame, 'User', 'Id')"),
    Operation("polars", "from_pandas", "pl.from_pandas(frame)"),
    Operation("duckdb", "query", "duckdb.query('select count(*), max(Bytes) from frame').fetchall()"),
    Operation(
        "torch", "tensor", f"torch.tensor({_NUMBERS}.to_numpy(dtype='float32', na_value=float('nan')))"
    ),
    Operation(
        "tensorflow", "constant", f"tf.constant({_NUMBERS}.to_numpy(dtype='float32', na_value=float('nan')))"
    ),
)
