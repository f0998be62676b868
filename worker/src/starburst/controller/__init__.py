"""The controller: the only one that may start workers, and so the one that judges every request."""

from typing import Final

__all__ = ["CODE", "HANDLER", "LEFT_OUT"]

HANDLER: Final = "starburst.controller.handler.handle"
"""What Lambda calls."""

CODE: Final = (
    *("__init__.py", "errors.py"),
    *("_protocol", "aws", "contract", "controller", "pricing", "untrusted"),
)
"""What the function's code consists of: files and folders of this distribution's package."""

LEFT_OUT: Final = ("_protocol/sealed",)
"""What it leaves out of them: for clients and workers, and the function has no key to open it."""
