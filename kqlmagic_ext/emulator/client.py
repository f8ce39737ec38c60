"""The Azure SDK's own client for an emulator: it needs no account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azure.monitor.query import LogsQueryClient


def local_client(endpoint: str, **settings: Any) -> LogsQueryClient:
    """The unmodified `LogsQueryClient` of azure-monitor-query for an emulator's endpoint, http or https.

    `settings` go to the client, such as `connection_verify="ca.pem"` for https.
    """
    from azure.core.credentials import AccessToken
    from azure.core.pipeline.policies import SansIOHTTPPolicy
    from azure.monitor.query import LogsQueryClient

    class NoAccount:
        """A credential that is never asked: the policy below stands in its place."""

        def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
            return AccessToken("emulator", 2**40)

    class Signed(SansIOHTTPPolicy):  # type: ignore[type-arg]  # its generics name the SDK's request classes
        """Signs as anyone; the SDK's own policy refuses http."""

        def on_request(self, request: Any) -> None:
            request.http_request.headers["Authorization"] = "Bearer emulator"

    return LogsQueryClient(
        NoAccount(), endpoint=endpoint, audience=endpoint, authentication_policy=Signed(), **settings
    )
