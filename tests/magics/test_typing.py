"""Tab and Shift-Tab in KQL cells and lines, through IPython's completer and a real kernel."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pytest
from IPython.core.completer import provisionalcompleter
from jupyter_client.manager import start_new_kernel

from kqlmagic_ext.kql.language_service import Hover
from kqlmagic_ext.magics.inspection import reply
from kqlmagic_ext.magics.kql import KqlMagics
from kqlmagic_ext.query import Query, Result, Table
from tests.notebook import Notebook
from tests.test_kernel import Kernel


def offered(notebook: Notebook, marked: str) -> dict[str, tuple[str, str]]:
    """What Tab offers where the text has its ‸: the words with their types and the text that they replace."""
    cursor = marked.index("‸")
    text = marked.replace("‸", "")
    with provisionalcompleter():
        found = list(notebook.shell.Completer.completions(text, cursor))
    return {one.text: (one.type, text[one.start : one.end]) for one in found}


def kql(notebook: Notebook) -> KqlMagics:
    magics = notebook.shell.magics_manager.registry["KqlMagics"]
    assert isinstance(magics, KqlMagics)
    return magics


@pytest.mark.parametrize(
    "marked",
    [
        "%%kql\nSigninLogs | where UserPr‸",
        "%%kql -o failed -t 7d\nSigninLogs\n| where UserPr‸\n| take 5",
        "%%kql SigninLogs | where UserPr‸",
        "%%kql\nfailed << SigninLogs | where UserPr‸",
        "%%kql failed << SigninLogs | where UserPr‸",
        "%kql SigninLogs | where UserPr‸",
        "x = 1\n%kql SigninLogs | where UserPr‸\ny = 2",
        "failed = %kql SigninLogs | where UserPr‸",
        "%kql -o failed SigninLogs | where UserPr‸",
        "if True:\n    failed = %kql SigninLogs | where UserPr‸",
    ],
)
def test_columns_are_offered_wherever_kql_stands(notebook: Notebook, marked: str) -> None:
    assert offered(notebook, marked) == {"UserPrincipalName": ("field", "UserPr")}


@pytest.mark.parametrize(
    "marked", ["import oper‸", "%%kqlx\nprin‸", "%kql SigninLogs\nprin‸", "%%node\nprin‸"]
)
def test_what_is_no_kql_is_completed_as_before(notebook: Notebook, marked: str) -> None:
    with_us = offered(notebook, marked)
    notebook.shell.run_line_magic("unload_ext", "kqlmagic_ext")
    assert with_us == offered(notebook, marked)


@pytest.mark.parametrize("marked", ["print 'pri‸", "print '‸", "SigninLogs // le‸", "SigninLogs | zz‸"])
def test_where_nothing_fits_nothing_is_offered_of_python_either(notebook: Notebook, marked: str) -> None:
    assert offered(notebook, f"%%kql\n{marked}") == {}


def test_options_are_offered_behind_a_dash(notebook: Notebook) -> None:
    assert {"-i", "-o", "-c", "-t", "--limit"} <= set(offered(notebook, "%%kql -‸"))
    assert set(offered(notebook, "%%kql -o failed --li‸\nSigninLogs")) == {"--limit"}
    assert set(offered(notebook, "%%kql -t ‸")) >= {"7d", "all"}


def test_python_variables_are_offered_behind_i_and_braces(notebook: Notebook) -> None:
    notebook.names.update(watched=["a"], wanted=pd.DataFrame({"Host": ["a"]}), walk=print)
    assert offered(notebook, "%%kql -i wa‸\nSigninLogs") == {
        "watched": ("variable", "wa"),
        "wanted": ("variable", "wa"),
    }
    assert set(offered(notebook, "%%kql -i watched,wan‸")) == {"wanted"}
    assert set(offered(notebook, "%%kql -i hosts=wan‸")) == {"wanted"}
    assert set(offered(notebook, "%%kql\nSigninLogs | where UserId in ({{wat‸")) == {"watched}}"}
    assert set(offered(notebook, "%%kql\nSigninLogs | where UserId in ({{wat‸}})")) == {"watched"}
    assert set(offered(notebook, "x = %kql SigninLogs | where UserId in ({{wat‸")) == {"watched}}"}


def test_inputs_are_names_of_the_query(notebook: Notebook) -> None:
    notebook.names.update(
        watched=["a"], assets=pd.DataFrame({"Host": ["a"], "Port": [1], "Detail": [{"a": 1}]})
    )
    assert "watched" in offered(notebook, "%%kql -i watched\nSigninLogs | where UserId in (wat‸")
    assert offered(notebook, "%%kql -i assets\nass‸")["assets"][0] == "class"
    assert set(offered(notebook, "%%kql -i assets\nassets | where ‸")) >= {"Host", "Port", "Detail"}
    assert set(offered(notebook, "%%kql -i hosts=assets\nhosts | where Ho‸")) >= {"Host"}
    assert set(offered(notebook, "%%kql\n{{assets}} | where Por‸")) == {"Port"}
    assert set(offered(notebook, "%%kql\nSigninLogs | join ({{assets}}) on $right.Ho‸")) == {"Host"}
    notebook.names["assets"]["Owner"] = "b"
    assert set(offered(notebook, "%%kql -i assets\nassets | where Own‸")) == {"Owner"}


def test_a_frame_that_cannot_cross_still_tells_its_columns(notebook: Notebook) -> None:
    notebook.names["odd"] = pd.DataFrame({"Host": [object()]})
    assert "Host" in offered(notebook, "%%kql -i odd\nodd | where Ho‸")


def test_connections_are_offered_behind_c(notebook: Notebook) -> None:
    notebook.run("%kql_connect local://demo --as lab")
    assert set(offered(notebook, "%%kql -c la‸\nSigninLogs")) == {"lab"}
    assert "loganalytics://" in offered(notebook, "%%kql -c log‸")


def test_magics_about_connections_offer_tables_names_and_schemes(notebook: Notebook) -> None:
    notebook.run("%kql_connect local:// --as empty\n%kql_connect local://demo --as lab")
    assert offered(notebook, "%kql_tables Sig‸") == {"SigninLogs": ("class", "Sig")}
    assert offered(notebook, "%kql_tables -c empty Sig‸") == {}
    assert {"empty", "lab", "local://demo", "loganalytics://"} <= set(offered(notebook, "%kql_connect ‸"))
    assert set(offered(notebook, "x = 1\nt = %kql_tables -c la‸")) == {"lab"}
    assert set(offered(notebook, "%kql_connect lab --a‸")) == {"--as"}


def test_tab_opens_no_connection(notebook: Notebook) -> None:
    assert "SecurityEvent" in offered(notebook, "%%kql\nSec‸")
    assert "ABAPAuditLog" in offered(
        notebook, "%%kql\nABAPA‸"
    )  # a table of Log Analytics that the demo has not
    assert [connection for _, _, connection in kql(notebook).places if connection is not None] == []


def test_an_open_connection_offers_its_own_tables(notebook: Notebook) -> None:
    notebook.run("%kql_connect local://demo --as lab")
    assert "SecurityEvent" in offered(notebook, "%%kql\nSec‸")
    assert "ABAPAuditLog" not in offered(notebook, "%%kql\nABAPA‸")
    notebook.run("%kql_connect local:// --as empty")
    notebook.names["place"] = "lab"
    assert "SecurityEvent" in offered(notebook, "%%kql -c {{place}}\nSecurityE‸")
    assert "SecurityEvent" not in offered(notebook, "%%kql\nSecurityE‸")


def test_keys_of_dynamic_columns_come_from_answers(notebook: Notebook) -> None:
    assert "operatingSystem" not in offered(notebook, "%%kql\nSigninLogs | where DeviceDetail.‸")
    notebook.run("%%kql -o some\nSigninLogs | take 50")
    assert "operatingSystem" in offered(notebook, "%%kql\nSigninLogs | where DeviceDetail.‸")


def test_keys_of_an_answer_keep_no_frame_alive(notebook: Notebook) -> None:
    result = Result((pd.DataFrame({"a": [{"b": 1}]}),), (), {})
    place = Waiting()
    place.close()
    kql(notebook).typing.learn(place, result)
    frame = weakref.ref(result.frames[0])
    del result
    gc.collect()
    assert frame() is None
    assert "b" not in offered(notebook, "%%kql\nT | where a.‸")


def test_what_a_connection_told_keeps_no_connection_alive(notebook: Notebook) -> None:
    place = Waiting()
    kql(notebook).typing.learn(place, Result((), (), {}))
    held = weakref.ref(place)
    del place
    gc.collect()
    assert held() is None
    assert not kql(notebook).typing._schemas._listings


def test_a_connection_that_nobody_can_hold_weakly_may_answer(notebook: Notebook) -> None:
    class Slotted:
        __slots__ = ("name",)

    kql(notebook).typing.learn(Slotted(), Result((), (), {}))  # type: ignore[arg-type]  # what it does not need
    assert not kql(notebook).typing._schemas._listings


@dataclass  # which makes it unhashable
class Waiting:
    """A connection of a user's own, whose list of tables takes as long as the test lets it."""

    name: str = "slow"
    asked: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)

    def prepare(self, query: Query) -> str:
        return query.text

    def run(self, query: Query, progress: Any = None) -> Result:
        raise NotImplementedError

    def tables(self, progress: Any = None) -> Sequence[Table]:  # noqa: ARG002 - the role's form
        self.asked.set()
        self.go.wait(20)
        return [Table("Mine", {"Own": "string"})]

    def table(self, name: str) -> Table:
        raise KeyError(name)

    def close(self) -> None:
        self.go.set()


def test_tab_never_waits_for_a_list_of_tables(notebook: Notebook) -> None:
    slow, places = Waiting(), kql(notebook).places
    places._open["slow"], places._urls["slow"] = slow, "slow://"
    places.default = "slow"
    assert "SecurityEvent" in offered(notebook, "%%kql\nSecurityEv‸")
    assert not slow.asked.is_set()  # a place that has not answered yet may ask somebody to sign in
    kql(notebook).typing.learn(slow, Result((), (), {}))
    assert not slow.asked.is_set()  # a notebook in which nobody types asks for nothing
    assert "SecurityEvent" in offered(notebook, "%%kql\nSecurityEv‸")
    assert slow.asked.wait(20)
    slow.go.set()
    for thread in threading.enumerate():
        if thread.name == "kqlmagic_ext catalogue":
            thread.join(20)
    assert "Own" in offered(notebook, "%%kql\nMine | where Ow‸")


def test_loading_twice_leaves_one_answer_and_unloading_none(notebook: Notebook) -> None:
    def ours() -> list[object]:
        return [
            one
            for one in notebook.shell.Completer.custom_matchers
            if "kqlmagic_ext.kql" in str(getattr(one, "matcher_identifier", ""))
        ]

    notebook.shell.run_line_magic("reload_ext", "kqlmagic_ext")
    assert len(ours()) == 1
    notebook.shell.run_line_magic("unload_ext", "kqlmagic_ext")
    assert ours() == []


def test_a_reply_is_escaped_in_every_form() -> None:
    evil = Hover(
        "<b>",
        "field",
        "<img src=x onerror=alert(1)>: string",
        "See [here](javascript:x) <b>now</b>.",
        'https://x/"><script>',
    )
    data = reply(evil)["data"]
    assert "<img" not in data["text/html"]
    assert "<b>" not in data["text/html"]
    assert "<script" not in data["text/html"]
    assert "[here]" not in data["text/markdown"]
    assert "\\<b\\>" in data["text/markdown"]


# ------------------------------------------------------------ a real kernel


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    manager, client = start_new_kernel(kernel_name="python3")
    kernel = Kernel(manager, client)
    kernel.run("%load_ext kqlmagic_ext")
    yield kernel
    client.stop_channels()
    manager.shutdown_kernel(now=False)


in_a_kernel = pytest.mark.filterwarnings("ignore::DeprecationWarning:zmq", "ignore::ResourceWarning")
CELL = "%%kql\nSigninLogs\n| where TimeGenerated > ago(1d)\n| summarize cou"


def inspected(kernel: Kernel, marked: str) -> dict[str, Any]:
    cursor = marked.index("‸")
    answer: dict[str, Any] = kernel.client.inspect(marked.replace("‸", ""), cursor, reply=True, timeout=30)[
        "content"
    ]
    assert answer["status"] == "ok"
    return answer


@in_a_kernel
def test_a_notebook_asks_the_kernel_for_completions(kernel: Kernel) -> None:
    found = kernel.client.complete(CELL, len(CELL), reply=True, timeout=30)["content"]
    assert found["matches"][0] == "count()"
    assert CELL[found["cursor_start"] : found["cursor_end"]] == "cou"
    types = {one["text"]: one["type"] for one in found["metadata"]["_jupyter_types_experimental"]}
    assert types["count()"] == "function"


@in_a_kernel
def test_an_editor_asks_in_a_thread_of_its_own(kernel: Kernel) -> None:
    kernel.run(
        "import threading\nfound = {}\n"
        f"code = {CELL!r}\n"
        "ask = lambda: found.update(get_ipython().kernel.do_complete(code, len(code)))\n"
        "thread = threading.Thread(target=ask); thread.start(); thread.join()"
    )
    shown = kernel.run("found['matches'][0], code[found['cursor_start']:found['cursor_end']]")["shown"]
    assert shown == [("execute_result", "('count()', 'cou')")]


@in_a_kernel
def test_shift_tab_tells_of_functions_columns_tables_and_operators(kernel: Kernel) -> None:
    kernel.run("user = 'a'")
    cases = {
        "%%kql\nSigninLogs | where TimeGenerated > a‸go(1d)": "ago(span: timespan): datetime",
        "%%kql\nSigninLogs | where TimeGenerated > ago(1‸d)": "ago(span: timespan): datetime",
        "%%kql\nSigninLogs | where UserPrincipal‸Name == ''": "UserPrincipalName: string",
        "%%kql\nSignin‸Logs": "SigninLogs(AADTenantId: string",
        "%%kql\nSigninLogs | mv-ex‸pand DeviceDetail": "mv-expand",
        "x = %kql SigninLogs | where TimeGenerated > a‸go(1d)": "ago(span: timespan): datetime",
        "%%kql --lim‸it 5\nSigninLogs": "--limit N",
        "%%kql\nSigninLogs | where UserId == {{us‸er}}": "user: str",
    }
    for marked, part in cases.items():
        found = inspected(kernel, marked)
        assert found["found"], marked
        assert part in found["data"]["text/plain"]
        assert {"text/plain", "text/markdown", "text/html"} == set(found["data"])


@in_a_kernel
def test_shift_tab_elsewhere_is_pythons(kernel: Kernel) -> None:
    assert "Return the number of items" in inspected(kernel, "le‸n")["data"]["text/plain"]
    assert not inspected(kernel, "%%kql\nSigninLogs | where UserId == 'le‸n'")["found"]


@in_a_kernel
def test_unloading_leaves_another_extensions_inspection(kernel: Kernel) -> None:
    kernel.run("%unload_ext kqlmagic_ext")
    kernel.run(
        "k = get_ipython().kernel; inner = k.do_inspect; mine = lambda *given: inner(*given); k.do_inspect = mine"
    )
    kernel.run("%load_ext kqlmagic_ext\n%unload_ext kqlmagic_ext")
    assert kernel.run("k.do_inspect is mine")["shown"] == [("execute_result", "True")]
    kernel.run("del k.do_inspect\n%load_ext kqlmagic_ext")


def test_unloading_restores_the_kernels_inspection(kernel: Kernel) -> None:
    kernel.run("%load_ext kqlmagic_ext\n%reload_ext kqlmagic_ext")
    kernel.run("%unload_ext kqlmagic_ext")
    shown = kernel.run("'do_inspect' in vars(get_ipython().kernel)")["shown"]
    assert shown == [("execute_result", "False")]
    assert "Return the number of items" in inspected(kernel, "le‸n")["data"]["text/plain"]
    kernel.run("%load_ext kqlmagic_ext")
