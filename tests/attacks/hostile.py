"""Names and words that an attacker chose, and an S3 that treats such names as AWS does."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Final
from unittest import mock
from urllib.parse import quote

import moto.s3.responses
from botocore.exceptions import ClientError
from moto.s3.exceptions import MalformedXML

__all__ = ["ESCAPES", "EVIL", "NAMES", "clean", "client_error", "forbidden", "names_as_on_aws"]

NAMES: Final = (
    "p\x1b[31mX",
    "a\x01b",
    "a\rb",
    "a\r\nb",
    "a\nb",
    "a\tb",
    "a\x7fb",
    "a\x85b",
    "a\u2028b",
    "a\ufffeb",
    "a\uffffb",
    "\u202egnp.exe",
    "a/../b",
    ".",
    "..",
    "a/./b",
    "/lead",
    "//twice",
    "a//b",
    "trailing..",
    "%2e%2e/x",
    "%1b",
    "a+b c",
    " lead",
    "trail ",
    "a&b<c>]]>",
    "&#x1b;",
    "a?b=c&d#e;f\\g'h\"i*",
    "\U0001f600",
    "sessions/genomics/bob/" + "b" * 20 + "/results/0",
    "é" * 450,
    "",
)
"""What follows ``results/`` in a key that a worker wrote; each is a valid key on AWS."""

ESCAPES: Final = (
    "\x1b]0;owned\x07\x1b[2J\x9b31m",
    "\x00\x08\x0b\x0c\x7f\x85",
    "\u202e\u2066fdp\u2069\u202c",
    "\u200b\u200d\u00ad\ufeff\u115f\u3164\U000e0041",
    "\u2028\u2029\r",
    "\ud800\ufffe\U0010ffff",
)
"""What drives a terminal, reorders a line, hides, or begins a line where none was meant."""

_UNFIT: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCE: Final = re.compile(rb"&#x?0*([0-9A-Fa-f]+);")
_SHOWN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb"
    "\ufffe\uffff\U000e0000-\U000e0fff\U0010fffe\U0010ffff]"
)


def forbidden(text: str) -> list[str]:
    """Return what of a text may not reach a terminal."""
    return _SHOWN.findall(text)


@contextlib.contextmanager
def names_as_on_aws() -> Iterator[None]:
    """Have moto encode the names that it lists, and refuse XML with characters that it has not.

    moto answers a listing of versions without the encoding that the SDK asks for, and reads a
    deletion with a parser that gives up in its own way.
    """
    responses: Any = moto.s3.responses.S3Response
    serialized, delete = responses.serialized, responses._bucket_response_delete_keys

    def encoded(self: Any, found: Any) -> Any:
        answer = found.result
        if self.data.get("Action") == "ListObjectVersions" and _asked(self):
            for each in (*answer["Versions"], *answer["DeleteMarkers"]):
                each["Key"] = quote(each["Key"])
            for name in ("KeyMarker", "NextKeyMarker", "Prefix"):
                if answer.get(name):
                    answer[name] = quote(answer[name])
            answer["EncodingType"] = "url"
        return serialized(self, found)

    def strict(self: Any, *words: Any, **more: Any) -> Any:
        body = self.body if isinstance(self.body, bytes) else self.body.encode()
        # A character reference to what XML 1.0 has not is as malformed as the character.
        plain = _REFERENCE.sub(lambda m: chr(int(m[1], 16)).encode(errors="replace"), body)
        if _UNFIT.search(plain.decode(errors="replace")):
            raise MalformedXML
        return delete(self, *words, **more)

    with (
        mock.patch.object(responses, "serialized", encoded),
        mock.patch.object(responses, "_bucket_response_delete_keys", strict),
    ):
        yield


def _asked(response: Any) -> bool:
    return response.querystring.get("encoding-type") == ["url"]


def client_error(code: str, message: str) -> ClientError:
    """Return what boto3 raises of an answer of AWS."""
    said: Any = {"Error": {"Code": code, "Message": message}}
    return ClientError(said, "Call")


EVIL: Final = "".join(ESCAPES)


def clean(text: str) -> None:
    """Find nothing in a text that could drive a terminal."""
    assert forbidden(text) == []
    for each in text:
        assert each in "\n\t" or unicodedata.category(each) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
