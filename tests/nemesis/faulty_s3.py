"""S3 as the runtime sees it on a bad day: the emulator's client, with faults between."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starburst.contract import SessionKeys

from .faulty import CANARY, Faulty
from .order.notes import Range, What

__all__ = ["FaultyS3"]

_SESSION: Final = re.compile(r"^sessions/[a-z0-9]+/[a-z0-9]+/[a-z0-9]{20}/")
_FUNCTION: Final = re.compile(r"functions/.*")


@dataclass
class FaultyS3(Faulty):
    """One process's view of S3; of a session's folder in it, for a worker."""

    folder: str = ""
    ranges: Callable[[str, bytes], tuple[Range, ...]] = field(default=lambda *_: ())

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*which: Any, **words: Any) -> Any:
            with self.sky.lock:
                return getattr(self.sky.s3, name)(*which, **words)

        return call

    def _subject(self, key: str) -> str:
        assert key.startswith(self.folder), f"{self.who} reaches for {key}"
        return _FUNCTION.sub("functions/", _SESSION.sub("", key))

    def get_object(self, **words: Any) -> dict[str, Any]:
        subject = self._subject(words["Key"])

        def read(given: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
            answer = self.sky.s3.get_object(**given)
            return answer, answer["Body"].read()

        def act() -> tuple[dict[str, Any], bytes]:
            return self.ask("s3", "GetObject", words, read)

        tries = (subject, self.who)
        answer, body = self.call("get", subject, act, within=tries)
        if "status.json" not in subject and self.plan.strikes("damaged", *tries, within=tries):
            body = self._damaged(body, words["Key"])
        return {**answer, "Body": io.BytesIO(body)}

    def _damaged(self, body: bytes, key: str) -> bytes:
        how = self.plan.pick(("flipped", "cut", "foreign", "swapped", "empty"), "how", key[-20:])
        at = int(self.plan.number("at", key[-20:]) * len(body))
        match how:
            case "flipped":
                return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
            case "cut":
                return body[:at]
            case "foreign":
                return CANARY * 10
            case "swapped":
                with self.sky.lock:
                    folder = key.rpartition("/")[0]
                    found = self.sky.s3.list_objects_v2(Bucket="starburst-test-data", Prefix=folder)
                    others = [e["Key"] for e in found["Contents"] if e["Key"] != key]
                    if not others:
                        return b""
                    answer = self.sky.s3.get_object(Bucket="starburst-test-data", Key=others[0])
                    return answer["Body"].read()
            case _:
                return b""

    def put_object(self, **words: Any) -> Any:
        subject = self._subject(words["Key"])
        if hasattr(words["Body"], "read"):
            words["Body"] = words["Body"].read()

        def store(given: Mapping[str, Any]) -> Any:
            answer = self.sky.s3.put_object(**given)
            key = given["Key"]
            self._note(What.PUT, key, ranges=self.ranges(key, given["Body"]))
            return answer

        def act() -> Any:
            return self.ask("s3", "PutObject", words, store)

        answer = self.call("put", subject, act)
        if self.plan.strikes("own-412", subject):
            self.call("put", subject, act)
        return answer

    def delete_object(self, **words: Any) -> Any:
        with self.sky.lock:
            self._note(What.ERASED, words["Key"])
            return self.sky.s3.delete_object(**words)

    def delete_objects(self, **words: Any) -> Any:
        with self.sky.lock:
            for one in words["Delete"]["Objects"]:
                self._note(What.ERASED, one["Key"])
            return self.sky.s3.delete_objects(**words)

    def _note(self, what: What, key: str, **about: Any) -> None:
        keys = SessionKeys.parse(key)
        self.notes.add(self.who, what, session=keys.session if keys else "", key=key, **about)

    def list_objects_v2(self, **words: Any) -> Any:
        def act() -> Any:
            return self.ask(
                "s3", "ListObjectsV2", words, lambda given: self.sky.s3.list_objects_v2(**given)
            )

        return self.call("list", "", act)
