"""`loganalytics://`: Azure Monitor Log Analytics.

| URL | what it queries |
|---|---|
| `loganalytics://WORKSPACE_ID` | a workspace, by its GUID |
| `loganalytics:///subscriptions/…` | the logs of a resource |

Options, behind `?` and joined by `&`: `also=ID,ID` further workspaces; `cloud=public|usgov|china`; `endpoint=`; `tenant=`;
`client=`; `auth=default|cli|powershell|browser|devicecode|msi|env|broker|none`; `timeout=` seconds that a query may take in
the service (180, at most 600). A URL with a secret in it is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kqlmagic_ext.connections.log_analytics.address import parse

if TYPE_CHECKING:
    from kqlmagic_ext.connections.log_analytics.connection import LogAnalyticsConnection
    from kqlmagic_ext.connections.log_analytics.requests import Patience


def open_log_analytics(
    url: str, *, name: str | None = None, patience: Patience | None = None, **limits: Any
) -> LogAnalyticsConnection:
    """The place that a `loganalytics://` URL names; nothing is sent yet.

    `limits`: how large a frame may be inside a query, as `frame_rows` and `frame_bytes`. `patience`: how often and how long a
    query is asked again. Raises ConnectError for a URL that names no place or holds a secret.
    """
    address = parse(url)
    from kqlmagic_ext.connections.log_analytics.connection import LogAnalyticsConnection
    from kqlmagic_ext.connections.log_analytics.prelude import TableLimits

    return LogAnalyticsConnection(
        name or address.name, url, address, TableLimits(**limits), patience=patience
    )
