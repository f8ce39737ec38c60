"""The processes that the intruder starts, on the workstation and then on the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kqlmagic_ext.connections.local.demo.programs import OFFICE, POWERSHELL, SYSTEM, Program

if TYPE_CHECKING:
    from kqlmagic_ext.connections.local.demo.story import Story

_STAGING = r"C:\ProgramData"
_ATTACHMENT = r"AppData\Local\Microsoft\Windows\INetCache\Content.Outlook\Overdue carrier invoices.docm"
_WORD = rf'"{OFFICE}\WINWORD.EXE" /n "C:\Users\{{user}}\{_ATTACHMENT}"'


@dataclass(frozen=True)
class Step:
    """A process of the intrusion: when after its anchor (a field of the story), and on which machine."""

    name: str
    program: Program
    seconds: float
    anchor: str
    on_server: bool = False


def intruders(story: Story) -> tuple[Step, ...]:
    """The processes of the intrusion, those of the workstation first."""
    return (*_opened(story), *_looks_around(story), *_on_server(story), *_collects(story))


def _shell(story: Story) -> str:
    return f"powershell.exe -nop -w hidden -enc {story.encoded_command}"


def _opened(story: Story) -> list[Step]:
    outlook = rf'"{OFFICE}\OUTLOOK.EXE"'
    word = Program(
        "WINWORD.EXE", OFFICE, _WORD, "OUTLOOK.EXE", outlook, "explorer.exe", product="Microsoft Office"
    )
    shell = Program("powershell.exe", POWERSHELL, _shell(story), "WINWORD.EXE", _WORD, "OUTLOOK.EXE")
    return [Step("word", word, -26, "powershell_time"), Step("shell", shell, 0, "powershell_time")]


def _looks_around(story: Story) -> list[Step]:
    hop = rf"PsExec.exe -accepteula \\{story.server} -u MERIDIAN\{story.lateral_account} -s cmd.exe"
    dump = rf"rundll32.exe C:\Windows\System32\comsvcs.dll, MiniDump 712 {_STAGING}\l.dmp full"
    commands = (
        ("whoami.exe", "whoami /all", 190, "powershell_time"),
        ("net.exe", 'net group "Domain Admins" /domain', 232, "powershell_time"),
        ("nltest.exe", "nltest /dclist:meridianfreight.example", 301, "powershell_time"),
        ("net.exe", rf"net view \\{story.server}", 415, "powershell_time"),
        ("rundll32.exe", dump, 2105, "powershell_time"),
        ("cmdkey.exe", "cmdkey /list", 2260, "powershell_time"),
        ("PsExec.exe", hop, -6, "lateral_time"),
    )
    return [
        Step(
            file,
            Program(file, SYSTEM, command, "powershell.exe", _shell(story), "WINWORD.EXE"),
            seconds,
            anchor,
        )
        for file, command, seconds, anchor in commands
    ]


def _on_server(story: Story) -> list[Step]:
    service = r"C:\Windows\PSEXESVC.exe"
    above = ("services.exe", rf"{SYSTEM}\services.exe", "wininit.exe")
    remote = ("PSEXESVC.exe", service, "services.exe")
    typed = ("cmd.exe", "cmd.exe", "PSEXESVC.exe")
    user = f"net user {story.created_account} /add"
    group = f"net localgroup Administrators {story.created_account} /add"
    programs = (
        ("service", Program("PSEXESVC.exe", r"C:\Windows", service, *above, system=True), 1),
        ("remote shell", Program("cmd.exe", SYSTEM, "cmd.exe", *remote, system=True), 3),
        ("user", Program("net.exe", SYSTEM, user, *typed, system=True), 340),
        ("group", Program("net.exe", SYSTEM, group, *typed, system=True), 352),
    )
    return [
        Step(name, program, seconds, "lateral_time", on_server=True) for name, program, seconds in programs
    ]


def _collects(story: Story) -> list[Step]:
    shell = Program(
        "powershell.exe", POWERSHELL, _shell(story), "cmd.exe", "cmd.exe", "PSEXESVC.exe", system=True
    )
    shares = r"D:\Shares\Finance D:\Shares\Contracts"
    command = rf"7z.exe a -mx1 -v150m -p {_STAGING}\{story.archive_name}.7z {shares}"
    above = ("powershell.exe", _shell(story), "cmd.exe")
    packer = Program("7z.exe", _STAGING, command, *above, system=True, maker="Igor Pavlov", product="7-Zip")
    return [
        Step("server shell", shell, -4, "server_beacon_start", on_server=True),
        Step("archive", packer, -8, "archive_time", on_server=True),
    ]
