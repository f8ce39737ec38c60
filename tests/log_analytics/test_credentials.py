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

from kqlmagic_ext import ConnectError, Query
from kqlmagic_ext.connections.log_analytics import token_sources
from kqlmagic_ext.connections.log_analytics.address import AUTHS, parse
from kqlmagic_ext.connections.log_analytics.credentials import Credential, credential_of
from kqlmagic_ext.connections.log_analytics.status import Status
from kqlmagic_ext.emulator import Emulator
from tests.emulated import hasty_connection
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


def test_a_sign_in_goes_on_when_its_query_is_stopped_and_the_next_query_waits_for_the_same() -> None:
    source = FakeSource()
    source.release.clear()

    async def use() -> str:
        credential = Credential(source, None)
        for _ in range(3):
            waiting = asyncio.create_task(credential.sign_in(SCOPE, Status(180)))
            await asyncio.sleep(0.05)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        source.release.set()
        return (await credential.get_token(SCOPE)).token

    assert asyncio.run(use()).endswith(" 1")
    assert source.asked == 1


def test_a_claim_of_the_service_is_asked_for_and_its_token_kept() -> None:
    source = FakeSource()

    async def use() -> list[str]:
        credential = Credential(source, None)
        tokens = [await credential.get_token(SCOPE)]
        tokens.append(await credential.get_token(SCOPE, claims="c", enable_cae=True))
        tokens.append(await credential.get_token(SCOPE))
        return [token.token[-1] for token in tokens]

    assert asyncio.run(use()) == ["1", "2", "2"]
    assert source.options == {"claims": "c", "enable_cae": True}


def test_what_a_source_raises_reaches_who_waits() -> None:
    class Broken:
        def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        asyncio.run(Credential(Broken(), None).get_token(SCOPE))


class FakeDeviceSource(FakeSource):
    """A fake source that asks for a device code to be entered."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        token_sources.show_code(
            "https://microsoft.com/devicelogin", "ABC123", datetime(2026, 1, 1, 9, 30, tzinfo=UTC)
        )
        time.sleep(0.3)
        return super().get_token(*scopes, **options)


def test_a_device_code_shows_in_each_query_that_waits_for_it() -> None:
    source = FakeDeviceSource()
    source.release.clear()
    first, second = Status(180), Status(180)

    async def use() -> list[str]:
        credential = Credential(source, None)
        stopped = asyncio.create_task(credential.sign_in(SCOPE, first))
        await asyncio.sleep(0.05)
        shown = [first.line()]
        stopped.cancel()
        await asyncio.gather(stopped, return_exceptions=True)
        waiting = asyncio.create_task(credential.sign_in(SCOPE, second))
        await asyncio.sleep(0.05)
        shown.append(second.line())
        source.release.set()
        await waiting
        return shown

    said = "to sign in, open https://microsoft.com/devicelogin and enter the code ABC123 (until 09:30 UTC)"
    assert asyncio.run(use()) == [said, said]
    assert first.sign_in is None
    assert second.sign_in is None


def test_a_script_that_shows_no_progress_is_told_the_device_code(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(token_sources.SOURCES, "none", lambda _: FakeDeviceSource())
    with hasty_connection(emulator.url) as connection:
        connection.run(Query("print 1"))
    assert capsys.readouterr().err.count("enter the code ABC123") == 1


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
    monkeypatch.setitem(token_sources.SOURCES, "none", lambda _: FakeDeviceSource(lives=1))
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
    """A fake interactive credential."""

    made: list[dict[str, Any]]
    authenticated = 0

    def __init__(self, **options: Any) -> None:
        super().__init__()
        type(self).made.append(options)
        self.options_made = options

    def authenticate(self, **_options: Any) -> FakeRecord:
        type(self).authenticated += 1
        return FakeRecord()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return tmp_path


def interactive() -> type[FakeInteractive]:
    class Interactive(FakeInteractive):
        made: list[dict[str, Any]] = []  # noqa: RUF012 - one a test

    return Interactive


def test_an_account_is_remembered_and_its_file_holds_no_token(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from azure.identity import AuthenticationRecord

    monkeypatch.setattr(AuthenticationRecord, "deserialize", lambda text: ("record", text))
    monkeypatch.setattr(token_sources, "has_keyring", lambda: True)
    kind, address = (
        interactive(),
        parse(f"loganalytics://{ID}?auth=devicecode&tenant=contoso.example"),
    )
    assert token_sources.Remembered(kind, address, {}).get_token(SCOPE).token.endswith(" 1")
    assert token_sources.Remembered(kind, address, {}).get_token(SCOPE).token.endswith(" 1")
    assert kind.authenticated == 1
    assert [made.get("authentication_record") for made in kind.made] == [
        None,
        ("record", FakeRecord.serialize()),
    ]
    [file] = [path for path in home.rglob("*") if path.is_file()]
    assert file.read_text("utf-8") == FakeRecord.serialize()
    assert file.parent == home / token_sources.ACCOUNTS


def test_without_a_keyring_the_tokens_live_as_long_as_the_kernel(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_sources, "has_keyring", lambda: False)
    kind = interactive()
    remembered = token_sources.Remembered(kind, parse(f"loganalytics://{ID}?auth=devicecode"), {})
    assert remembered.get_token(SCOPE).token.endswith(" 1")
    assert remembered.get_token(SCOPE).token.endswith(" 2")
    assert "cache_persistence_options" not in kind.made[-1]
    assert not [path for path in home.rglob("*") if path.is_file()]


def remembering(auth: str, monkeypatch: pytest.MonkeyPatch, *, keyring: bool, record: bool) -> Any:
    """The source of tokens with azure-identity's own classes, as on a machine with or without a keyring and a record."""
    from azure.identity import AuthenticationRecord

    monkeypatch.setattr(token_sources, "has_keyring", lambda: keyring)
    source = token_sources.SOURCES[auth](parse(f"loganalytics://{ID}?auth={auth}&tenant=contoso.example"))
    if record:
        source._file.parent.mkdir(parents=True)
        known = AuthenticationRecord("t", ID, "login.microsoftonline.com", "h", "ana@contoso.example")
        source._file.write_text(known.serialize(), "utf-8")
    source._options["retry_total"] = 0
    return source


@pytest.mark.parametrize("keyring", [False, True])
@pytest.mark.parametrize("record", [False, True])
def test_the_real_device_code_gets_as_far_as_the_network(
    home: Path, monkeypatch: pytest.MonkeyPatch, record: bool, keyring: bool
) -> None:
    from azure.core.exceptions import AzureError

    source = remembering("devicecode", monkeypatch, keyring=keyring, record=record)
    assert source._file.is_relative_to(home)
    with pytest.raises(AzureError):
        source.get_token(SCOPE)


def test_the_real_browser_credential_takes_a_remembered_account(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from azure.identity import InteractiveBrowserCredential

    assert home
    source = remembering("browser", monkeypatch, keyring=True, record=True)
    assert isinstance(source._opened(SCOPE), InteractiveBrowserCredential)


def test_a_machine_is_asked_whether_it_has_a_keyring(home: Path) -> None:
    assert home
    assert token_sources.has_keyring() in (True, False)
