"""JavaScript on the server: a session in Node.js, and one in Deno, which may touch nothing unless it is allowed.

Both run the same worker (`worker/`), which evaluates cells by V8's inspector in its own process. What it writes of its own
accord, and what the programs write that a cell starts, is told apart by a mark that is new in each session (`mixed.py`).
A frame crosses as an Arrow file in the session's own folder, any other value as the JSON envelope (`data.py`).

The memory of a session is bounded by V8's own limit on its heap alone (some GB; `NODE_OPTIONS=--max-old-space-size=…` sets
another for Node.js); a full heap ends the process and not the kernel.
"""

from __future__ import annotations

from kqlmagic_ext.languages.javascript.session import DenoSession, NodeSession

__all__ = ["DenoSession", "NodeSession"]
