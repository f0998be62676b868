"""List versions of objects with their names encoded, as the SDK asks for.

Stock encodes names in the other listings only: here a name with a control character makes the
answer no XML, so that nothing below its prefix could be erased.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import quote
from xml.sax.saxutils import unescape

from .patching import Function, Patch, module, wrap

__all__ = ["PATCH"]

_NAMES: Final = re.compile("<(Key|Prefix|KeyMarker|NextKeyMarker|Delimiter)>(.*?)</\\1>", re.DOTALL)


def _apply() -> None:
    s3 = module("services.s3")

    def make(original: Function) -> Function:
        def listed(bucket: str, query: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
            status, headers, body = original(bucket, query)
            if s3._qp(query, "encoding-type", "") != "url" or status != 200:  # noqa: PLR2004 - OK
                return status, headers, body
            text = body.decode() if isinstance(body, bytes) else body
            # Its parts are not parsed: that is what stock makes impossible.
            text = _NAMES.sub(_encoded, text)
            text = text.replace("<MaxKeys>", "<EncodingType>url</EncodingType><MaxKeys>", 1)
            return status, headers, text.encode()

        return listed

    wrap(s3, "_list_object_versions", make)


def _encoded(found: re.Match[str]) -> str:
    element, name = found.groups()
    return f"<{element}>{quote(unescape(name), safe='/')}</{element}>"


PATCH = Patch(
    name="s3_names",
    stock="lists versions of objects without encoding their names",
    apply=_apply,
)
