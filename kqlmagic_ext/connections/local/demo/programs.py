"""The programs that run on the company's machines."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np

from kqlmagic_ext.connections.local.demo.texts import hexes

SYSTEM = r"C:\Windows\System32"
POWERSHELL = rf"{SYSTEM}\WindowsPowerShell\v1.0"
OFFICE = r"C:\Program Files\Microsoft Office\root\Office16"
_EDGE = r"C:\Program Files (x86)\Microsoft\Edge\Application"
_TEAMS = r"C:\Program Files\WindowsApps\MSTeams"
_SHIPTRACK = r"C:\Program Files\ShipTrack"
_DEPLOY = r"C:\Program Files\DeployAgent"
_SEVENZIP = r"C:\Program Files\7-Zip"

DESK, SERVERS, ALL = "workstation", "server", "all"


@dataclass(frozen=True)
class Program:
    """A program with its command line and parent; `{user}` in a command stands for the account's name."""

    file: str
    folder: str
    command: str
    parent: str
    parent_command: str
    grandparent: str
    where: str = DESK
    weight: float = 0.0
    system: bool = False  # runs as the machine, not as its user
    maker: str = "Microsoft Corporation"
    product: str = "Microsoft® Windows® Operating System"

    @property
    def path(self) -> str:
        """The whole path, as SecurityEvent writes it."""
        return rf"{self.folder}\{self.file}"

    @property
    def parent_path(self) -> str:
        """The whole path of the parent."""
        return _PATHS.get(self.parent, rf"{SYSTEM}\{self.parent}")


_PATHS = {
    "explorer.exe": r"C:\Windows\explorer.exe",
    "PSEXESVC.exe": r"C:\Windows\PSEXESVC.exe",
    "DeployAgent.exe": rf"{_DEPLOY}\DeployAgent.exe",
    "WINWORD.EXE": rf"{OFFICE}\WINWORD.EXE",
    "OUTLOOK.EXE": rf"{OFFICE}\OUTLOOK.EXE",
    "powershell.exe": rf"{POWERSHELL}\powershell.exe",
}


def _desk(
    file: str, folder: str, arguments: str, weight: float, product: str = "Microsoft Office"
) -> Program:
    command = rf'"{folder}\{file}" {arguments}'.strip()
    return Program(
        file,
        folder,
        command,
        "explorer.exe",
        r"C:\Windows\explorer.exe",
        "userinit.exe",
        DESK,
        weight,
        product=product,
    )


def _host(file: str, arguments: str, weight: float, parent: str = "services.exe") -> Program:
    command, above = rf"{SYSTEM}\{file} {arguments}".strip(), rf"{SYSTEM}\{parent}"
    return Program(file, SYSTEM, command, parent, above, "wininit.exe", ALL, weight, system=True)


def encoded(script: str) -> str:
    """The script as `powershell -enc` takes it."""
    return base64.b64encode(script.encode("utf-16-le")).decode()


ADMIN_SCRIPT = (
    r"Get-Service | Where-Object Status -eq Stopped | Export-Csv C:\ProgramData\Reports\services.csv"
)

EVERYDAY = (
    _host("svchost.exe", "-k netsvcs -p -s Schedule", 60),
    _host("svchost.exe", "-k LocalService -p -s nsi", 40),
    _host("svchost.exe", "-k NetworkService -p -s Dnscache", 36),
    _host("taskhostw.exe", "", 40, "svchost.exe"),
    _host("backgroundTaskHost.exe", "-ServerName:CortanaUI.AppX", 34, "svchost.exe"),
    _host("conhost.exe", "0xffffffff -ForceV1", 44, "cmd.exe"),
    _host("wermgr.exe", "-upload", 8, "svchost.exe"),
    _host("MpCmdRun.exe", "SignatureUpdate -ScheduleJob -RestrictPrivileges", 16, "svchost.exe"),
    _host("wmiprvse.exe", "-secured -Embedding", 24, "svchost.exe"),
    _host("dllhost.exe", "/Processid:{AB8902B4-09CA-4BB6-B78D-A8F59079A8D5}", 24, "svchost.exe"),
    _host("SearchProtocolHost.exe", "Global\\UsGthrFltPipeMssGthrPipe", 24, "SearchIndexer.exe"),
    _host("gpupdate.exe", "/target:computer", 6, "svchost.exe"),
    _host("schtasks.exe", "/query /fo csv", 3, "svchost.exe"),
    _desk("WINWORD.EXE", OFFICE, r'/n "C:\Users\{user}\Documents\Bill of lading draft.docx"', 22),
    _desk("WINWORD.EXE", OFFICE, r'/n "C:\Users\{user}\Downloads\Contract final.docx"', 12),
    _desk("EXCEL.EXE", OFFICE, r'"C:\Users\{user}\Documents\Rate sheet Q1.xlsx"', 34),
    _desk("OUTLOOK.EXE", OFFICE, "", 26),
    _desk("msedge.exe", _EDGE, "--single-argument https://tracking.shiplocator.example/", 60, "Microsoft Edge"),
    _desk("msedge.exe", _EDGE, "--profile-directory=Default", 40, "Microsoft Edge"),
    _desk("ms-teams.exe", _TEAMS, "msteams:system-initiated", 24, "Microsoft Teams"),
    _desk("notepad.exe", SYSTEM, r"C:\Users\{user}\Desktop\notes.txt", 8, "Microsoft® Windows® Operating System"),
    _desk("cmd.exe", SYSTEM, "", 3, "Microsoft® Windows® Operating System"),
    _desk("powershell.exe", POWERSHELL, "", 1.2, "Microsoft® Windows® Operating System"),
    Program("ShipTrack.exe", _SHIPTRACK, rf'"{_SHIPTRACK}\ShipTrack.exe" --user {{user}}', "explorer.exe", r"C:\Windows\explorer.exe", "userinit.exe", DESK, 36, maker="Quayside Software", product="ShipTrack"),
    Program("7zFM.exe", _SEVENZIP, rf'"{_SEVENZIP}\7zFM.exe"', "explorer.exe", r"C:\Windows\explorer.exe", "userinit.exe", DESK, 2, maker="Igor Pavlov", product="7-Zip"),
    Program("powershell.exe", POWERSHELL, rf"powershell.exe -NoProfile -ExecutionPolicy Bypass -File {_DEPLOY}\inventory.ps1", "DeployAgent.exe", rf"{_DEPLOY}\DeployAgent.exe", "services.exe", ALL, 14, system=True),
    Program("msiexec.exe", SYSTEM, r"msiexec.exe /i C:\ProgramData\Deploy\package.msi /qn", "DeployAgent.exe", rf"{_DEPLOY}\DeployAgent.exe", "services.exe", ALL, 4, system=True),
    Program("sqlservr.exe", r"C:\Program Files\Microsoft SQL Server\MSSQL16\Binn", "sqlservr.exe -sMSSQLSERVER", "services.exe", rf"{SYSTEM}\services.exe", "wininit.exe", SERVERS, 6, system=True),
    Program("robocopy.exe", SYSTEM, r"robocopy D:\Shares E:\Mirror /MIR /R:1 /LOG:C:\ProgramData\mirror.log", "svchost.exe", rf"{SYSTEM}\svchost.exe", "services.exe", SERVERS, 6, system=True),
    Program("wevtutil.exe", SYSTEM, "wevtutil.exe qe System /c:50 /f:text", "powershell.exe", "powershell.exe", "svchost.exe", SERVERS, 4, system=True),
    Program("whoami.exe", SYSTEM, "whoami", "cmd.exe", "cmd.exe", "explorer.exe", DESK, 0.3),
    Program("ipconfig.exe", SYSTEM, "ipconfig /all", "cmd.exe", "cmd.exe", "explorer.exe", DESK, 1.4),
    Program("net.exe", SYSTEM, r"net use Z: \\RTM-FS-01\Shared", "cmd.exe", "cmd.exe", "explorer.exe", DESK, 2.4),
    Program("rundll32.exe", SYSTEM, "rundll32.exe shell32.dll,Control_RunDLL", "explorer.exe", r"C:\Windows\explorer.exe", "userinit.exe", DESK, 4),
    Program("regsvr32.exe", SYSTEM, r"regsvr32.exe /s C:\Program Files\ShipTrack\labels.dll", "msiexec.exe", "msiexec.exe", "services.exe", ALL, 0.8, system=True),
    Program("powershell.exe", POWERSHELL, f"powershell.exe -NoProfile -EncodedCommand {encoded(ADMIN_SCRIPT)}", "cmd.exe", r"cmd.exe /c C:\Scripts\services.cmd", "explorer.exe"),
)  # fmt: skip
SCRIPTED = len(EVERYDAY) - 1  # the administrator's


@dataclass(frozen=True)
class Hashes:
    """The hashes of each file name, alike on all machines."""

    md5: dict[str, str]
    sha1: dict[str, str]
    sha256: dict[str, str]


def hashes(seed: int, files: list[str]) -> Hashes:
    """Hashes for the files of these names, drawn from the seed."""
    distinct = sorted(set(files))

    def drawn(width: int) -> dict[str, str]:
        rng = np.random.default_rng([seed, width])
        return dict(zip(distinct, hexes(rng, len(distinct), width).to_pylist(), strict=True))

    return Hashes(drawn(32), drawn(40), drawn(64))
