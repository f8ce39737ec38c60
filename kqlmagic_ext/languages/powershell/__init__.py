"""`%%powershell`: a PowerShell that lives on between cells, driven over a loopback line by `bridge.ps1` of this folder."""

from __future__ import annotations

from kqlmagic_ext.languages.powershell.session import PowerShellSession

__all__ = ["PowerShellSession"]
