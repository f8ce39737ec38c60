"""What people sign in with and to: browsers and programs, applications, and how sign-ins end."""

from __future__ import annotations

from dataclasses import dataclass

from kqlmagic_ext.connections.local.demo.texts import as_json

_CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"


@dataclass(frozen=True)
class Client:
    """A kind of program on a kind of device; `own` devices are known to the directory, one for each person."""

    agent: str
    browser: str
    system: str
    app: str
    own: bool
    weight: float


CLIENTS = (
    Client(f"{_CHROME} Edg/131.0.0.0", "Edge 131.0.0", "Windows 10", "Browser", own=True, weight=52),
    Client(_CHROME, "Chrome 131.0.0", "Windows 10", "Browser", own=False, weight=11),
    Client(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
        "Mobile Safari", "Ios 18.1", "Mobile Apps and Desktop clients", own=False, weight=14,
    ),
    Client(
        "Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
        "Chrome Mobile 131.0.0", "Android 15", "Mobile Apps and Desktop clients", own=False, weight=9,
    ),
    Client(
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
        "Safari 18.1", "MacOs", "Browser", own=False, weight=5,
    ),
    Client("Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.18129; Pro)", "Rich Client 5.0",
           "Windows 10", "Mobile Apps and Desktop clients", own=True, weight=9),
    Client("python-requests/2.31.0", "Python Requests 2.31", "", "Authenticated SMTP", own=False, weight=0),
    Client("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox 128.0", "Linux",
           "Browser", own=False, weight=0.4),
    Client("axios/1.7.7", "", "", "Browser", own=False, weight=0),
)  # fmt: skip
MANAGED, SPRAYER, INTRUDER, REFRESHER = 0, 6, 7, 8

# Application, its well-known id, the resource behind it, weight.
APPS = (
    ("Office 365 Exchange Online", "00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online", 24),
    ("OfficeHome", "4765445b-32c6-49b0-83e6-1d93765276ca", "Microsoft Graph", 20),
    ("Microsoft Teams", "1fec8e78-bce4-4aaf-ab1b-5451cc387264", "Microsoft Teams Services", 18),
    (
        "Office 365 SharePoint Online",
        "00000003-0000-0ff1-ce00-000000000000",
        "Office 365 SharePoint Online",
        14,
    ),
    ("Microsoft Office", "d3590ed6-52b3-4102-aeff-aad2292ab01c", "Office 365 Exchange Online", 9),
    ("Outlook Mobile", "27922004-5251-4030-b22d-91ecd9a37ea4", "Office 365 Exchange Online", 7),
    ("Azure Portal", "c44b4083-3bb0-49c1-b47d-974e53cbdf3c", "Windows Azure Service Management API", 2),
    (
        "Microsoft Azure PowerShell",
        "1950a258-227b-4e31-a9cf-717495945fc2",
        "Windows Azure Service Management API",
        1,
    ),
    (
        "Microsoft Azure CLI",
        "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        "Windows Azure Service Management API",
        0.6,
    ),
    ("OneDrive SyncEngine", "ab9b8c07-8f02-4f72-87fa-80105867a763", "Office 365 SharePoint Online", 6),
    ("ShipTrack Portal", "6f2c1e0a-5b7d-4c39-9a51-2d4f8e7b1c63", "ShipTrack Portal", 5),
)
EXCHANGE, OFFICE_HOME, SHAREPOINT = 0, 1, 3


@dataclass(frozen=True)
class Outcome:
    """How a sign-in ended; `second` is the step after the password: (method, succeeded, what happened)."""

    code: str
    description: str
    weight: float
    password: str = "Correct password"  # noqa: S105 - what the log says about the password, not one
    second: tuple[str, bool, str] | None = None
    policy: str = "success"
    risk: str = "none"
    detail: str = ""

    @property
    def requirement(self) -> str:
        """`AuthenticationRequirement`."""
        single = self.second is None and self.code != "50074"
        return "singleFactorAuthentication" if single else "multiFactorAuthentication"

    @property
    def status(self) -> str:
        """`Status` as JSON."""
        status: dict[str, object] = {"errorCode": int(self.code)}
        if self.code != "0":
            status["failureReason"] = self.description
        if self.detail:
            status["additionalDetails"] = self.detail
        return as_json(status)

    @property
    def mfa(self) -> str | None:
        """`MfaDetail` as JSON, null where no second step was asked for or a token still held its claim."""
        if self.second is None or self.second[0] == "Previously satisfied":
            return None
        return as_json({"authMethod": self.second[0], "authDetail": "+XX XXXXXXX" + str(len(self.second[0]))})

    @property
    def steps(self) -> tuple[str, str]:
        """`AuthenticationDetails` as JSON in two parts: between them and before the rest stands each step's time."""
        first = _step(
            "Password", self.password, "Primary authentication", succeeded=self.password.startswith("C")
        )
        if self.second is None:
            return first + "]", ""
        method, succeeded, result = self.second
        step = _step(method, result, "Multifactor authentication", succeeded=succeeded)
        return f"{first},{_STEP_HEAD}", step + "]"


_STEP_HEAD = '{"authenticationStepDateTime":"'
STEPS_HEAD = "[" + _STEP_HEAD


def _step(method: str, result: str, requirement: str, *, succeeded: bool) -> str:
    rest = {
        "authenticationMethod": method,
        "succeeded": succeeded,
        "authenticationStepResultDetail": result,
        "authenticationStepRequirement": requirement,
    }
    return '",' + as_json(rest)[1:]


_WRONG = "Error validating credentials due to invalid username or password."
_STRONG = "Strong Authentication is required."
_DENIED = "Authentication failed during strong authentication request."
_PUSH = "Mobile app notification"
_CLAIM = ("Previously satisfied", True, "MFA requirement satisfied by claim in the token")

OUTCOMES = (
    Outcome("0", "", 560, second=_CLAIM, detail="MFA requirement satisfied by claim in the token"),
    Outcome("0", "", 190, second=(_PUSH, True, "MFA successfully completed"), detail="MFA completed in Azure AD"),
    Outcome("0", "", 60, second=("Text message", True, "MFA successfully completed"), detail="MFA completed in Azure AD"),
    Outcome("0", "", 110, policy="notApplied"),
    Outcome("50126", _WRONG, 27, password="Invalid username or password", policy="notApplied"),  # noqa: S106
    Outcome("50053", "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.",
            2, password="Account locked", policy="notApplied"),  # noqa: S106
    Outcome("50140", "This error occurred due to 'Keep me signed in' interrupt when the user was signing-in.", 14),
    Outcome("50074", _STRONG, 12, policy="failure", detail="MFA required in Azure AD"),
    Outcome("50125", "Sign-in was interrupted due to a password reset or password registration entry.", 3),
    Outcome("50055", "The password is expired.", 2),
    Outcome("50057", "The user account is disabled.", 1, policy="notApplied"),
    Outcome("53003", "Access has been blocked by Conditional Access policies.", 4, policy="failure"),
    Outcome("65001", "The user or administrator has not consented to use the application.", 2),
    Outcome("50058", "Session information is not sufficient for single-sign-on.", 8, policy="notApplied"),
    Outcome("500121", _DENIED, 2.5, second=(_PUSH, False, "MFA denied; no response from user"), policy="failure",
            detail="MFA denied; no response from user"),
    Outcome("500121", _DENIED, 0.5, second=(_PUSH, False, "MFA denied; user declined the authentication"),
            policy="failure", detail="MFA denied; user declined the authentication"),
    Outcome("0", "", 0, second=(_PUSH, True, "MFA successfully completed"), risk="medium",
            detail="MFA completed in Azure AD"),
)  # fmt: skip
PUSHED, WRONG, LOCKED, ASKED, BLOCKED, NO_SESSION, TIMED_OUT, DECLINED, RISKY = 1, 4, 5, 7, 11, 13, 14, 15, 16
