"""No answer came: what became of the question, and whether another try may help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqlmagic_ext.connections.log_analytics.address import LOOPBACK
from kqlmagic_ext.connections.log_analytics.tokens import without_tokens

if TYPE_CHECKING:
    from azure.core.exceptions import AzureError


class Unreachable(Exception):  # noqa: N818 - what happened, in the words of the field
    """No answer came: the connection could not be made, was lost, or stayed silent.

    `connected`: the last try reached the service. `sent`: the question had gone out, then or in a try before.
    `passing`: another try may help. `untrusted`: the certificate is none that this machine trusts.
    """

    def __init__(self, message: str, *, connected: bool, passing: bool) -> None:
        super().__init__(message)
        self.untrusted = "CERTIFICATE_VERIFY_FAILED" in message
        self.connected = self.sent = connected
        self.passing = passing and not self.untrusted


def unreachable(error: AzureError) -> Unreachable:
    """What became of a request that got no answer; only where no connection was made is it certain that it did not go out."""
    import aiohttp
    from azure.core.exceptions import ServiceRequestTimeoutError, ServiceResponseTimeoutError

    inner = error.inner_exception
    if isinstance(inner, aiohttp.ClientHttpProxyError):
        return Unreachable(f"the proxy answers {inner.status}", connected=False, passing=False)
    if isinstance(inner, aiohttp.ClientConnectorCertificateError):
        return Unreachable(without_tokens(str(inner.certificate_error)), connected=False, passing=False)
    if isinstance(inner, aiohttp.ClientConnectorError):
        said = without_tokens(inner.os_error.strerror or str(inner.os_error))
        return Unreachable(said, connected=False, passing=inner.host not in LOOPBACK)
    if isinstance(error, ServiceRequestTimeoutError):
        return Unreachable("it does not answer", connected=False, passing=True)
    if isinstance(error, ServiceResponseTimeoutError):
        return Unreachable("the service stayed silent", connected=True, passing=False)
    return Unreachable("the service closed the connection without an answer", connected=True, passing=True)


def plain(error: Exception) -> str:
    """What a foreign error says, in one line, without the token that it may hold."""
    return without_tokens(" ".join(str(error).split()) or type(error).__name__)
