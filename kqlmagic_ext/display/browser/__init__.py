"""A browser cell: its JavaScript in a sandboxed frame, with data and libraries inline, so that it draws wherever it is shown.

`bundle(cell)` gives text/html and text/plain. The folder's `boot.js` runs in the frame, `listener.js` in the page around it.
"""

from __future__ import annotations

from kqlmagic_ext.display.browser.inputs import Input, crossed
from kqlmagic_ext.display.browser.names import refuse_name
from kqlmagic_ext.display.browser.page import BrowserCell, bundle, packed_libraries

__all__ = ["BrowserCell", "Input", "bundle", "crossed", "packed_libraries", "refuse_name"]
