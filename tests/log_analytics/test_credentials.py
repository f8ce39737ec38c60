"""Signing in: one token for all cells, the loop never blocked, a device code in the cell that waits.

No account is here: the sources of tokens below are fakes, but for the classes of azure-identity that must be made.
"""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken

from kqlmagic_ext import ConnectError
from kqlmagic_ext.connections.log_analytics import credentials
from kqlmagic_ext.connections.log_analytics.address import AUTHS, parse
from kqlmagic_ext.connections.log_analytics.credentials import Credential, credential_of
from kqlmagic_ext.connections.log_analytics.status import Status
from kqlmagic_ext.emulator import Emulator
from tests.notebook import Notebook

ID = "01234567-89ab-cdef-0123-456789abcdef"
SCOPE = "https://api.loganalytics.io/.default"


class FakeSource:
    """A fake source of tokens that blocks, as the interactive ones do."""

    def __init__(self, lives: float = 3600) -> None:
        self.lives, self.asked, self.threads = lives, 0, set[str]()
        self.options: dict[str, Any] = {}
        self.release = threading.Event()
        self.release.set()

    def get_token(self, *_scopes: str, **options: Any) -> AccessToken:
        self.asked += 1
        self.options = options
        self.threads.add(threading.current_thread().name)
        self.release.wait(10)
        return AccessToken(f"token {self.asked}", int(time.time() + self.lives))


class FakeAsyncSource:
    """A fake source of tokens that waits without blocking."""

    closed = False

    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken("async token", int(time.time() + 3600))

    async def close(self) -> None:
        self.closed = True


def test_a_token_is_asked_for_once_and_off_the_loop() -> None:
    source = FakeSource()

    async def use() -> list[str]:
        credential = Credential(source, "contoso.example")
        return [
            token.token for token in await asyncio.gather(*[credential.get_token(SCOPE) for _ in range(5)])
        ]

    assert asyncio.run(use()) == ["token 1"] * 5
    assert source.threads == {"kqlmagic_ext sign-in"}
    assert source.options == {"tenant_id": "contoso.example"}


def test_a_token_that_ends_within_minutes_is_renewed_and_a_refused_one_forgotten() -> None:
    async def use(source: FakeSource, *, forget: bool) -> str:
        credential = Credential(source, None)
        await credential.get_token(SCOPE)
        if forget:
            credential.forget()
        return (await credential.get_token(SCOPE)).token

    assert asyncio.run(use(FakeSource(lives=200), forget=False)) == "token 2"
    assert asyncio.run(use(FakeSource(), forget=False)) == "token 1"
    assert asyncio.run(use(FakeSource(), forget=True)) == "token 2"


def test_an_asynchronous_source_is_awaited_and_closed() -> None:
    source = FakeAsyncSource()

    async def use() -> str:
        credential = Credential(source, None)
        token = await credential.get_token(SCOPE)
        await credential.close()
        return token.token

    assert asyncio.run(use()) == "async token"
    assert source.closed


def test_a_sign_in_that_nobody_waits_for_ends_at_once_and_the_next_one_begins_anew() -> None:
    source = FakeSource()
    source.release.clear()

    async def use() -> str:
        credential = Credential(source, None)
        waiting = asyncio.create_task(credential.get_token(SCOPE))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        source.release.set()
        return (await credential.get_token(SCOPE)).token

    assert asyncio.run(use()) == "token 2"


def test_what_a_source_raises_reaches_who_waits() -> None:
    class Broken:
        def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        asyncio.run(Credential(Broken(), None).get_token(SCOPE))


def test_a_device_code_shows_in_the_query_that_waits_for_it() -> None:
    class Source(FakeSource):
        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            credentials._show_code(
                "https://microsoft.com/devicelogin", "ABC123", datetime(2026, 1, 1, 9, 30, tzinfo=UTC)
            )
            return super().get_token(*scopes, **options)

    source = Source()
    source.release.clear()
    status = Status(180)

    async def use() -> str:
        with status.asking():
            waiting = asyncio.create_task(Credential(source, None).get_token(SCOPE))
            while status.prompt is None:  # noqa: ASYNC110 - another thread sets it
                await asyncio.sleep(0.01)
            shown = status.line()
            source.release.set()
            await waiting
        return shown

    shown = asyncio.run(use())
    assert (
        shown
        == "to sign in, open https://microsoft.com/devicelogin and enter the code ABC123 (until 09:30 UTC)"
    )
    assert status.prompt is None


@pytest.mark.parametrize("auth", [auth for auth in AUTHS if auth not in ("none", "broker")])
def test_each_way_of_signing_in_makes_its_credential(auth: str) -> None:
    async def make() -> Credential:
        credential = credential_of(
            parse(f"loganalytics://{ID}?auth={auth}&client={ID}&tenant=contoso.example")
        )
        await credential.close()
        return credential

    assert isinstance(asyncio.run(make()), Credential)


def test_a_missing_broker_says_what_to_install() -> None:
    with pytest.raises(ConnectError, match="pip install azure-identity-broker"):
        credential_of(parse(f"loganalytics://{ID}?auth=broker"))


def test_a_device_code_shows_in_the_cell_that_connects_and_in_the_cell_that_asks(
    notebook: Notebook, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Source(FakeSource):
        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            credentials._show_code(
                "https://microsoft.com/devicelogin", "ABC123", datetime(2026, 1, 1, 9, 30, tzinfo=UTC)
            )
            time.sleep(0.3)
            return super().get_token(*scopes, **options)

    monkeypatch.setitem(credentials._SOURCES, "none", lambda _: Source(lives=1))
    notebook.value(f"%kql_connect {emulator.url} --as azure")
    assert "enter the code ABC123" in notebook.receipt
    notebook.value("%kql -o a print x = 1")
    assert notebook.receipt.count("enter the code ABC123") == 1
    assert "a: 1 row × 1 from azure" in notebook.receipt


class FakeRecord:
    """A fake of azure-identity's record of an account, which holds no secret."""

    @staticmethod
    def serialize() -> str:
        return '{"username": "ana@contoso.example"}'


class FakeInteractive(FakeSource):
    """A fake interactive credential; `keyring`: whether this machine has one."""

    keyring = True
    made: list[dict[str, Any]]
    authenticated = 0

    def __init__(self, **options: Any) -> None:
        super().__init__()
        type(self).made.append(options)
        self.options_made = options

    def authenticate(self, **_options: Any) -> FakeRecord:
        if not self.keyring:
            raise ValueError("PyGObject is required to persist")
        type(self).authenticated += 1
        return FakeRecord()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return tmp_path


def interactive(*, keyring: bool) -> type[FakeInteractive]:
    class Interactive(FakeInteractive):
        made: list[dict[str, Any]] = []  # noqa: RUF012 - one a test

    Interactive.keyring = keyring
    return Interactive


def test_an_account_is_remembered_and_its_file_holds_no_token(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from azure.identity import AuthenticationRecord

    monkeypatch.setattr(AuthenticationRecord, "deserialize", lambda text: ("record", text))
    kind, address = (
        interactive(keyring=True),
        parse(f"loganalytics://{ID}?auth=devicecode&tenant=contoso.example"),
    )
    assert credentials._Remembered(kind, address, {}).get_token(SCOPE).token.endswith(" 1")
    assert credentials._Remembered(kind, address, {}).get_token(SCOPE).token.endswith(" 1")
    assert kind.authenticated == 1
    assert [made["authentication_record"] for made in kind.made] == [None, ("record", FakeRecord.serialize())]
    [file] = [path for path in home.rglob("*") if path.is_file()]
    assert file.read_text("utf-8") == FakeRecord.serialize()
    assert file.parent == home / credentials.ACCOUNTS


def test_without_a_keyring_the_tokens_live_as_long_as_the_kernel(home: Path) -> None:
    kind = interactive(keyring=False)
    remembered = credentials._Remembered(kind, parse(f"loganalytics://{ID}?auth=devicecode"), {})
    assert remembered.get_token(SCOPE).token.endswith(" 1")
    assert remembered.get_token(SCOPE).token.endswith(" 2")
    assert "cache_persistence_options" not in kind.made[-1]
    assert not [path for path in home.rglob("*") if path.is_file()]


def test_the_real_credential_meets_a_machine_without_a_keyring(home: Path) -> None:
    """Offline, it gets as far as the network."""
    from azure.core.exceptions import AzureError

    assert home
    address = parse(f"loganalytics://{ID}?auth=devicecode&tenant=contoso.example")
    with pytest.raises(AzureError):
        asyncio.run(credential_of(address).get_token(SCOPE))
