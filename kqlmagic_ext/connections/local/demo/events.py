"""The kinds of events of the Windows security log."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """A kind of event: `acts` says whether the account is the subject (else it is the target)."""

    number: int
    text: str
    weight: float
    acts: bool = False
    logon: int = 0
    task: int = 12544

    @property
    def activity(self) -> str:
        """`Activity`."""
        return f"{self.number} - {self.text}"


_ON, _FAILED = "An account was successfully logged on.", "An account failed to log on."
EVENTS = (
    Event(4624, _ON, 6, logon=2),
    Event(4624, _ON, 24, logon=3),
    Event(4624, _ON, 4, logon=5),
    Event(4624, _ON, 5, logon=7),
    Event(4624, _ON, 1, logon=10),
    Event(4625, _FAILED, 1.4, logon=3),
    Event(4634, "An account was logged off.", 16, logon=3, task=12545),
    Event(4648, "A logon was attempted using explicit credentials.", 2, acts=True),
    Event(4672, "Special privileges assigned to new logon.", 8, acts=True, task=12548),
    Event(4688, "A new process has been created.", 26, acts=True, task=13312),
    Event(4769, "A Kerberos service ticket was requested.", 7, task=14337),
    Event(4776, "The computer attempted to validate the credentials for an account.", 3, task=14336),
    Event(4720, "A user account was created.", 0.03, acts=True, task=13824),
    Event(4726, "A user account was deleted.", 0.02, acts=True, task=13824),
    Event(4728, "A member was added to a security-enabled global group.", 0.08, acts=True, task=13826),
    Event(4732, "A member was added to a security-enabled local group.", 0.05, acts=True, task=13826),
    Event(4740, "A user account was locked out.", 0.06, task=13824),
    Event(4697, "A service was installed in the system.", 0.05, acts=True, task=12289),
    Event(7045, "A service was installed in the system.", 0.05, acts=True, task=0),
    Event(1102, "The audit log was cleared.", 0.004, acts=True, task=104),
)  # fmt: skip
PLACE = {(event.number, event.logon): place for place, event in enumerate(EVENTS)}
AT_CONTROLLERS = (4769, 4776, 4720, 4726, 4728, 4740)
BY_STAFF = (4720, 4726, 4728, 4732, 4697, 7045)
PROCESS, SERVICE_LOGON = 4688, 5
