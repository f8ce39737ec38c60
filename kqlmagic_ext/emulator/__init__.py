"""A Log Analytics server on this machine over an embedded workspace: real Azure clients, no Azure.

    with Emulator("local://demo?end=2026-11-01", faults=["503@2"]) as emulator:
        local_client(emulator.endpoint).query_workspace(emulator.workspace, "SigninLogs | take 5", timespan=None)

`python -m kqlmagic_ext.emulator` serves until Ctrl-C. It binds the loopback interface alone.
"""

from __future__ import annotations

from kqlmagic_ext.emulator.catalogue import WORKSPACE
from kqlmagic_ext.emulator.client import local_client
from kqlmagic_ext.emulator.emulator import Emulator
from kqlmagic_ext.emulator.faults import FAULTS, Fault, Faults
from kqlmagic_ext.emulator.received import Received

__all__ = ["FAULTS", "WORKSPACE", "Emulator", "Fault", "Faults", "Received", "local_client"]
