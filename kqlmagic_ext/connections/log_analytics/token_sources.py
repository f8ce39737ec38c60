"""Where tokens come from: the credentials of azure-identity, by the names that a URL gives them."""

from __future__ import annotations

import hashlib
import time
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.errors import ConnectError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from azure.core.credentials import AccessToken

    from kqlmagic_ext.connections.log_analytics.address import Address
    from kqlmagic_ext.connections.log_analytics.status import SignIn

_CACHE_NAME = "kqlmagic_ext"
ACCOUNTS = Path(".config") / "kqlmagic_ext" / "accounts"
# The sign-in for which a source of tokens is asked: what it wants of the analyst is told there.
ASKING: ContextVar[SignIn | None] = ContextVar("ASKING", default=None)


def _common(address: Address) -> dict[str, Any]:
    return {"authority": address.authority, "additionally_allowed_tenants": ["*"]}


def _default(address: Address) -> Any:
    from azure.identity.aio import DefaultAzureCredential

    more = {"managed_identity_client_id": address.client} if address.client else {}
    return DefaultAzureCredential(**_common(address), **more)


def _cli(address: Address) -> Any:  # noqa: ARG001 - az knows its cloud itself
    from azure.identity.aio import AzureCliCredential

    return AzureCliCredential(additionally_allowed_tenants=["*"])


def _powershell(address: Address) -> Any:  # noqa: ARG001 - as above
    from azure.identity.aio import AzurePowerShellCredential

    return AzurePowerShellCredential(additionally_allowed_tenants=["*"])


def _msi(address: Address) -> Any:
    from azure.identity.aio import ManagedIdentityCredential

    return ManagedIdentityCredential(client_id=address.client)


def _env(address: Address) -> Any:
    from azure.identity.aio import EnvironmentCredential

    return EnvironmentCredential(**_common(address))


def _browser(address: Address) -> Any:
    from azure.identity import InteractiveBrowserCredential

    return Remembered(InteractiveBrowserCredential, address, {})


def _device_code(address: Address) -> Any:
    from azure.identity import DeviceCodeCredential

    return Remembered(DeviceCodeCredential, address, {"prompt_callback": show_code})


def show_code(uri: str, code: str, expires: datetime) -> None:
    """Tell the waiting cell where to enter the code."""
    sign_in = ASKING.get()
    if sign_in is not None:
        sign_in.prompt = f"to sign in, open {uri} and enter the code {code} (until {expires:%H:%M} UTC)"


def _broker(address: Address) -> Any:
    try:
        from azure.identity.broker import InteractiveBrowserBrokerCredential
    except ImportError as error:
        raise ConnectError(
            "auth=broker needs the package azure-identity-broker: pip install azure-identity-broker"
        ) from error
    more = {"client_id": address.client} if address.client else {}
    return InteractiveBrowserBrokerCredential(parent_window_handle=0, **_common(address), **more)


class _NoSignIn:
    """For an emulator on this machine, which takes any token."""

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        from azure.core.credentials import AccessToken

        return AccessToken("none", int(time.time()) + 86_400)


class Remembered:
    """An interactive credential whose tokens outlive the kernel where this machine has a keyring.

    The tokens lie in the keyring; a file beside the connections names the account (no secret) by which they are found.
    """

    def __init__(self, kind: Any, address: Address, options: dict[str, Any]) -> None:
        named = "\n".join([address.authority, address.tenant or "", address.client or "", kind.__name__])
        self._file = Path.home() / ACCOUNTS / f"{hashlib.sha256(named.encode()).hexdigest()[:16]}.json"
        self._kind, self._options = kind, {**_common(address), **options}
        if address.tenant:
            self._options["tenant_id"] = address.tenant
        if address.client:
            self._options["client_id"] = address.client
        self._credential: Any = None

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """The token; asks the analyst only when the keyring has none."""
        if self._credential is None:
            self._credential = self._opened(*scopes)
        token: AccessToken = self._credential.get_token(*scopes, **options)
        return token

    def close(self) -> None:
        """Close the credential's own connections."""
        if self._credential is not None:
            self._credential.close()

    def _opened(self, *scopes: str) -> Any:
        if not has_keyring():  # the tokens live as long as the kernel
            return self._kind(**self._options)
        from azure.identity import TokenCachePersistenceOptions

        persistent = TokenCachePersistenceOptions(name=_CACHE_NAME)
        record = self._record()
        if record is not None:
            known = {
                name: value for name, value in self._options.items() if name != "authority"
            }  # the record's
            return self._kind(cache_persistence_options=persistent, authentication_record=record, **known)
        credential = self._kind(cache_persistence_options=persistent, **self._options)
        self._keep(credential.authenticate(scopes=scopes))
        return credential

    def _record(self) -> Any:
        from azure.identity import AuthenticationRecord

        try:
            return AuthenticationRecord.deserialize(self._file.read_text("utf-8"))
        except (OSError, ValueError, KeyError):
            return None

    def _keep(self, record: Any) -> None:
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file.write_text(record.serialize(), "utf-8")
        except OSError:
            return  # the next kernel asks again


def has_keyring() -> bool:
    """Whether this machine can keep tokens encrypted."""
    from msal_extensions import build_encrypted_persistence

    try:
        build_encrypted_persistence(str(Path.home() / ACCOUNTS / "keyring"))
    except Exception:  # noqa: BLE001 - the libraries of the platforms raise errors of their own
        return False
    return True


SOURCES: dict[str, Callable[[Address], Any]] = {
    "default": _default,
    "cli": _cli,
    "powershell": _powershell,
    "browser": _browser,
    "devicecode": _device_code,
    "msi": _msi,
    "env": _env,
    "broker": _broker,
    "none": lambda _: _NoSignIn(),
}
