"""The tables of the demo workspace, each with its recipe."""

from __future__ import annotations

from kqlmagic_ext.connections.local.demo import (
    alerts,
    audit,
    azure,
    connections,
    files,
    firewall,
    identities,
    incidents,
    intelligence,
    logons,
    machines,
    mail,
    office,
    processes,
    refreshes,
    signins,
    windows,
)

RECIPES = {
    "AADNonInteractiveUserSignInLogs": refreshes.RECIPE,
    "AuditLogs": audit.RECIPE,
    "AzureActivity": azure.RECIPE,
    "CommonSecurityLog": firewall.RECIPE,
    "DeviceFileEvents": files.RECIPE,
    "DeviceLogonEvents": logons.RECIPE,
    "DeviceNetworkEvents": connections.RECIPE,
    "DeviceProcessEvents": processes.RECIPE,
    "EmailEvents": mail.RECIPE,
    "Heartbeat": machines.HEARTBEAT,
    "IdentityInfo": identities.RECIPE,
    "OfficeActivity": office.RECIPE,
    "SecurityAlert": alerts.RECIPE,
    "SecurityEvent": windows.RECIPE,
    "SecurityIncident": incidents.RECIPE,
    "SigninLogs": signins.RECIPE,
    "Syslog": machines.SYSLOG,
    "ThreatIntelligenceIndicator": intelligence.RECIPE,
}
