"""Questions of a SOC to real logs: timespans."""

from __future__ import annotations

import pytest

from tests.sample_logs.logs import FOLDER_OF, Logs, moment, when


@pytest.mark.parametrize(
    ("table", "timespan", "start", "end"),
    [
        ("alertlist", "2019-01-15/P1D", "2019-01-15", "2019-01-16"),
        (
            "alertlist",
            "2019-01-12T00:02:51/2019-01-15T05:15:20",
            "2019-01-12T00:02:51",
            "2019-01-15T05:15:20",
        ),
        ("azure_activity", "2021-04-26T18:00Z/1h", "2021-04-26T18:00", "2021-04-26T19:00"),
        ("office_activity", "PT1H/2021-04-28T17:00+02:00", "2021-04-28T14:00", "2021-04-28T15:00"),
        (
            "processes_on_host",
            "2019-01-15T05:15:12.167/10s",
            "2019-01-15T05:15:12.167",
            "2019-01-15T05:15:22.167",
        ),
        ("syslog_data", "2019-07-08T15:00/2019-07-08T16:08", "2019-07-08T15:00", "2019-07-08T16:08"),
        (
            "wirex_sample_data_all",
            "2020-08-31T20:24:59.395Z/2020-08-31T20:24:59.397Z",
            "2020-08-31T20:24:59.395",
            "2020-08-31T20:24:59.397",
        ),
    ],
)
def test_a_timespan_has_its_start_and_not_its_end(
    logs: Logs, table: str, timespan: str, start: str, end: str
) -> None:
    first, last = moment(start), moment(end)
    assert first is not None
    assert last is not None
    expected = [when(row) for row in logs.rows(table) if first <= when(row) < last]
    frame = logs.ask(FOLDER_OF[table], f"['{table}'] | project TimeGenerated", timespan=timespan)
    assert expected
    assert sorted(frame["TimeGenerated"]) == sorted(expected)
