"""What a `loganalytics://` URL names, and what it must not hold."""

from __future__ import annotations

import pytest

from kqlmagic_ext import ConnectError, connect
from kqlmagic_ext.connections.log_analytics.address import parse

ID = "01234567-89ab-cdef-0123-456789abcdef"
RESOURCE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm1"


def test_a_workspace_is_named_by_its_id() -> None:
    address = parse(f"loganalytics://{ID.upper()}")
    assert address.place == f"workspaces/{ID}"
    assert address.endpoint == "https://api.loganalytics.azure.com"
    assert address.audience == "https://api.loganalytics.io"
    assert (address.auth, address.wait, address.also, address.is_resource) == ("default", 180, (), False)
    assert address.name == "workspace-01234567"


def test_a_resource_is_named_by_its_path() -> None:
    address = parse(f"loganalytics://{RESOURCE}")
    assert address.place == RESOURCE[1:]
    assert (address.is_resource, address.name) == (True, "vm1")


def test_options_are_read() -> None:
    address = parse(
        f"loganalytics://{ID}?also=a,%20b&cloud=usgov&tenant=contoso.example&client=c1&auth=devicecode&timeout=600"
    )
    assert address.also == ("a", "b")
    assert (address.endpoint, address.authority) == (
        "https://api.loganalytics.us",
        "login.microsoftonline.us",
    )
    assert (address.tenant, address.client, address.auth, address.wait) == (
        "contoso.example",
        "c1",
        "devicecode",
        600,
    )


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("loganalytics://", "names no place"),
        ("loganalytics:///folder", "names no place"),
        ("LogAnalytics://my-workspace", "no workspace ID: it is a GUID"),
        (f"loganalytics://{ID}/subscriptions/x", "three slashes"),
        (f"loganalytics://{ID}?nope=1", "unknown option 'nope' in the URL; there is also, cloud"),
        (f"loganalytics://{ID}?cloud=mars", "cloud is none of public, usgov, china"),
        (f"loganalytics://{ID}?auth=magic", "auth is none of default, cli"),
        (f"loganalytics://{ID}?timeout=601", "1 to 600 seconds"),
        (f"loganalytics://{ID}?timeout=0", "1 to 600 seconds"),
        (f"loganalytics://{ID}?endpoint=ftp://x", "no address such as"),
        (f"loganalytics://{ID}?endpoint=http://10.0.0.1&auth=none", "only https leaves this machine"),
        (f"loganalytics://{ID}?endpoint=http://localhost.evil.example", "only https leaves this machine"),
        (f"loganalytics://{ID}?endpoint=http://127.0.0.1:80", "sent over https alone"),
        (f"loganalytics://{ID}?auth=none", "auth=none is for an emulator"),
        (f"loganalytics://{ID}?auth=cli#x=1", "has a #"),
        (f"loganalytics://{ID}?auth=cli&auth=env", "names an option twice"),
        (f"loganalytics://{ID}?endpoint=http://127.0.0.1:notaport&auth=none", "no address such as"),
        (ID, f"a workspace is loganalytics://{ID}"),
        (f"loganalytics://{ID}?endpoint=https://a.example/path", "no address such as"),
        ("loganalytics:///subscriptions/x/../../workspaces/y", "names no place"),
        ("loganalytics:///subscriptions/{endpoint}", "names no place"),
        ("loganalytics:///subscriptions/a%3Fb", "names no place"),
        (f"loganalytics://{ID}?tenant=a/../b", "no GUID and no domain name"),
    ],
)
def test_what_names_no_place_is_said_in_one_sentence(url: str, said: str) -> None:
    with pytest.raises(ConnectError, match=said):
        connect(url)


@pytest.mark.parametrize(
    "hidden",
    [
        "?client_secret=hunter2hunter2",
        "?password=hunter2hunter2",
        "?access_token=hunter2hunter2",
        "?tenant=eyJhunter2hunter2.hunter2hunter2",
        "?SIG=hunter2hunter2",
        "?endpoint=https://user:hunter2@host.example",
        "?endpoint=https%3A%2F%2Fuser:hunter2@host.example",
        "&client_secret=hunter2hunter2",
        ";password=hunter2hunter2",
        "?auth=cli#client_secret=hunter2hunter2",
    ],
)
def test_a_secret_is_refused_and_never_repeated(hidden: str) -> None:
    with pytest.raises(ConnectError, match="no place for a secret") as caught:
        connect(f"loganalytics://{ID}{hidden}")
    assert "hunter2" not in str(caught.value)
    assert "az login" in str(caught.value)


@pytest.mark.parametrize(
    "url", ["local://demo?password=hunter2", "local:///tmp?sig=hunter2", "other://x?key=hunter2"]
)
def test_a_secret_is_refused_whatever_the_scheme(url: str) -> None:
    with pytest.raises(ConnectError, match="no place for a secret") as caught:
        connect(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        f"loganalytics://{ID}?auth=env;client_secret=hunter2",
        f"loganalytics://{ID}?endpoint=ftp://x/hunter2",
        f"loganalytics://{ID}?endpoint=https://h?sig=hunter2",
        f"loganalytics://{ID}?timeout=hunter2",
        f"loganalytics://{ID}?tenant=/hunter2",
        f"{ID}?client_secret=hunter2",
        "me:hunter2@workspace",
    ],
)
def test_a_value_that_is_refused_is_never_repeated(url: str) -> None:
    with pytest.raises(ConnectError) as caught:
        connect(url)
    assert "hunter2" not in str(caught.value)


def test_a_password_before_the_host_is_refused_and_never_repeated() -> None:
    with pytest.raises(ConnectError, match="no place for a secret") as caught:
        connect(f"loganalytics://me:hunter2hunter2@{ID}")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("endpoint", "audience"),
    [
        ("https://api.loganalytics.io", "https://api.loganalytics.io"),
        ("https://api.loganalytics.io/v1", "https://api.loganalytics.io"),
        ("https://westeurope.api.monitor.azure.com", "https://api.loganalytics.io"),
        ("https://api.loganalytics.io.evil.example", "https://api.loganalytics.io.evil.example"),
        ("https://evil-loganalytics.io", "https://evil-loganalytics.io"),
    ],
)
def test_a_token_of_azure_is_asked_for_azures_own_hosts_alone(endpoint: str, audience: str) -> None:
    assert parse(f"loganalytics://{ID}?endpoint={endpoint}").audience == audience
