"""What can go wrong on purpose: faults by name, switched by the command line, from Python, or by a request's header."""

from __future__ import annotations

import difflib
import re
import threading
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

HEADER = "x-emulator-fault"
STATUSES = ("401", "403", "404", "429", "500", "502", "503", "504", "204", "empty")
FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "row-limit": "N: at most so many rows come, with a PartialError (500000)",
        "byte-limit": "N: at most so many bytes of rows come, with a PartialError (104857600)",
        "rate-limit": "N: so many requests in 30 seconds, then 429 (200)",
        "slots": "N: so many queries at once, the rest waits (5)",
        "queue": "N: so many may wait, then 429 (200)",
        "queue-seconds": "N: so long may one wait, then 429 (180)",
        "partial": "a PartialError of severity 2 beside whole tables",
        "warning": "a PartialError of severity 3 beside whole tables",
        "truncate": "N: rows are cut without a word",
        "deny": "TABLE,TABLE: their rows are not seen, without a word but in `permissions`",
        "malformed-row": "the first row lacks its last cell",
        "bad-tail": "the last character of the JSON is another",
        "cached": "SECONDS: the answer tells this Age",
        "401": "the sign-in is refused",
        "403": "the account has no access",
        "404": "there is no such path",
        "429": "[SECONDS]: throttled, with Retry-After where seconds are given",
        "500": "an internal error",
        "502": "a bad gateway, as HTML",
        "503": "the service is not there",
        "504": "the query timed out",
        "204": "no content: a workspace without data",
        "empty": "200 with an empty body",
        "cut": "[BYTES]: the connection ends amid a chunked body (100)",
        "cut-length": "[BYTES]: the connection ends before Content-Length (100)",
        "cut-gzip": "[BYTES]: the gzip stream ends amid the data, the chunks end rightly (100)",
        "cut-json": "[BYTES]: the JSON ends amid the data, gzip and chunks end rightly (100)",
        "slow-first-byte": "SECONDS: before the answer begins",
        "slow-body": "SECONDS: between the pieces of the body",
    }
)
_NUMBERS = {
    "row-limit", "byte-limit", "rate-limit", "slots", "queue", "queue-seconds", "truncate", "cached",
    "slow-first-byte", "slow-body",
}  # fmt: skip
_MAY_COUNT = {"429", "cut", "cut-length", "cut-gzip", "cut-json"}
_SYNTAX = re.compile(r"\s*([\w-]+)\s*(?:=\s*([^@;]*?))?\s*(?:@\s*(\d+))?\s*")


@dataclass(frozen=True)
class Fault:
    """One fault: its name, what it is set to (empty where it takes nothing), how often it strikes (None: until cleared)."""

    name: str
    value: str = ""
    times: int | None = None

    @classmethod
    def parse(cls, text: str) -> Fault:
        """The fault that `NAME[=VALUE][@TIMES]` tells; ValueError with one sentence when it tells none."""
        match = _SYNTAX.fullmatch(text)
        name = match[1] if match else text
        if match is None or name not in FAULTS:
            near = difflib.get_close_matches(name, FAULTS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there is {', '.join(FAULTS)}"
            raise ValueError(f"{text!r} is no fault, which is written NAME[=VALUE][@TIMES]; {hint}")
        value, times = match[2] or "", match[3]
        wanted = name in _NUMBERS or name == "deny"
        if wanted != bool(value) and name not in _MAY_COUNT:
            raise ValueError(f"the fault {name} takes {'a value' if wanted else 'no value'}: {FAULTS[name]}")
        if value and name != "deny" and not _is_number(value):
            raise ValueError(f"the fault {name} takes a number, and {value!r} is none: {FAULTS[name]}")
        return cls(name, value, None if times is None else int(times))

    @property
    def number(self) -> float:
        """What it is set to, as a number."""
        return float(self.value)


@dataclass(frozen=True)
class Plan:
    """The faults that strike one request, by name."""

    faults: Mapping[str, Fault]

    def __contains__(self, name: str) -> bool:
        return name in self.faults

    def number(self, name: str, otherwise: float) -> float:
        """What the fault is set to, `otherwise` where it does not strike or is set to nothing."""
        fault = self.faults.get(name)
        return otherwise if fault is None or not fault.value else fault.number

    @property
    def denied(self) -> frozenset[str]:
        """The tables whose rows are not seen."""
        listed = self.faults["deny"].value if "deny" in self.faults else ""
        return frozenset(name.strip() for name in listed.split(",") if name.strip())


class Faults:
    """The faults that are switched on; any thread may switch them while the emulator runs."""

    def __init__(self, faults: str | Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._on: dict[str, Fault] = {}
        for text in faults.split(";") if isinstance(faults, str) else faults:
            if text.strip():
                self.set(text)

    def __iter__(self) -> Iterator[Fault]:
        with self._lock:
            return iter(list(self._on.values()))

    def set(self, text: str) -> None:
        """Switch on the fault that `NAME[=VALUE][@TIMES]` tells, in the place of one of the same name."""
        fault = Fault.parse(text)
        with self._lock:
            self._on[fault.name] = fault

    def clear(self, name: str | None = None) -> None:
        """Switch off one fault, or all."""
        with self._lock:
            if name is None:
                self._on.clear()
            else:
                self._on.pop(name, None)

    def status(self, header: str) -> Fault | None:
        """The fault that answers in the place of the service; it counts as struck. The request's own come first."""
        return next((fault for fault in self._strike(header, first=True) if fault.name in STATUSES), None)

    def plan(self, header: str) -> Plan:
        """The faults that the answer to a request shall have; each counts as struck."""
        return Plan(MappingProxyType({fault.name: fault for fault in self._strike(header, first=False)}))

    def limits(self) -> Plan:
        """What is switched on, without counting."""
        with self._lock:
            return Plan(MappingProxyType(dict(self._on)))

    def _strike(self, header: str, *, first: bool) -> list[Fault]:
        """The status fault whose turn it is (`first`), or all the others."""
        asked = [fault for fault in parse_header(header) if (fault.name in STATUSES) == first]
        if first and asked:
            return asked[:1]
        with self._lock:
            struck = [fault for fault in self._on.values() if (fault.name in STATUSES) == first]
            struck = struck[:1] if first else struck
            for fault in struck:
                self._count(fault)
        return [*struck, *asked]

    def _count(self, fault: Fault) -> None:
        if fault.times is None:
            return
        if fault.times <= 1:
            del self._on[fault.name]
        else:
            self._on[fault.name] = replace(fault, times=fault.times - 1)


def parse_header(header: str) -> list[Fault]:
    """The faults of a request's own header, between semicolons; ValueError for what is none."""
    return [Fault.parse(text) for text in header.split(";") if text.strip()]


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\d+(\.\d+)?", text) is not None
