"""Reading functions, and the files of the modules that they need, as the client signed them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from starburst._protocol.sealed.code.functions import Function, ModuleFile, open_function
from starburst._protocol.sealed.envelope import Buffer
from starburst.contract import SessionKeys
from starburst.errors import IntegrityError

from .damage import read_again
from .reading import Reader

__all__ = ["StoredFunctions"]

_KEPT_CARRIERS: Final = 4


class StoredFunctions:
    """A session's functions, seen from one worker.

    Args:
        reader: of the session's objects.
        keys: the session.
        key: the session's data key, 32 bytes.
        public: the client's Ed25519 key, 32 bytes.
    """

    def __init__(self, reader: Reader, *, keys: SessionKeys, key: bytes, public: bytes) -> None:
        self._reader = reader
        self._keys = keys
        self._key = key
        self._public = public
        self._carried: dict[str, Mapping[bytes, Buffer]] = {}

    def function(self, name: str) -> Function:
        """Return a function, verified.

        Raises:
            IntegrityError: it is missing, or not what the client signed.
        """
        function = read_again(lambda: self._read(name))
        if function.contents:
            while len(self._carried) >= _KEPT_CARRIERS:
                self._carried.pop(next(iter(self._carried)))
            self._carried[name] = function.contents
        return function

    def contents(self, files: Iterable[ModuleFile]) -> list[Buffer]:
        """Return what files of modules hold, verified.

        Raises:
            IntegrityError: something of it is missing, or not what the client signed.
        """
        return [self._content(file) for file in files]

    def _content(self, file: ModuleFile) -> Buffer:
        carried = self._carried.get(file.carrier)
        if carried is None:
            carried = self.function(file.carrier).contents
        content = carried.get(file.digest)
        if content is None:
            raise IntegrityError(f"function {file.carrier} does not carry {file.path!r:.80}")
        return content

    def _read(self, name: str) -> Function:
        signed = self._reader.promised(self._keys.functions + name, f"function {name}")
        return open_function(
            signed, name=name, session=self._keys.session, key=self._key, public=self._public
        )
