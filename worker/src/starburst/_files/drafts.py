"""Files that are open in a place: read where they are, and written beside until they are whole."""

from __future__ import annotations

import io
import tempfile
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Final

from starburst.errors import AccessDenied, ConfigurationError

from .filesystem import filesystem_of
from .sending import send
from .sources import Source

if TYPE_CHECKING:
    from types import TracebackType

    from .places import Place

__all__ = ["is_writing", "open_file"]

_MODES: Final = {"r": (False, True), "rt": (False, True), "rb": (False, False)} | {
    "w": (True, True),
    "wt": (True, True),
    "wb": (True, False),
}
"""Whether a mode writes, and whether it is for text."""


def is_writing(mode: object) -> bool:
    """Whether a mode writes.

    Raises:
        ConfigurationError: it is none of ours.
    """
    if not isinstance(mode, str) or mode not in _MODES:
        raise ConfigurationError(
            f"mode={mode!r} is none of {', '.join(_MODES)}: a file in S3 is read, or written anew"
        )
    return _MODES[mode][0]


def open_file(place: Place, name: str, mode: str, *, encoding: str | None) -> IO[Any]:
    """Open a file as :func:`open` does.

    Raises:
        AccessDenied: the person may not read it.
        ConfigurationError: there is no such mode, or s3fs is not installed.
        DataNotFound: it is to be read and is not there.
    """
    writes, text = is_writing(mode), _MODES[mode][1]
    if not text and encoding is not None:
        raise ConfigurationError("encoding= is for text, and this mode is for bytes")
    if writes:
        draft: Any = Draft(place, name)
        return TextDraft(draft, encoding=encoding or "utf-8") if text else draft
    found = _reader(place, name)
    return io.TextIOWrapper(found, encoding=encoding or "utf-8") if text else found


def _reader(place: Place, name: str) -> Any:  # noqa: ANN401 - s3fs has no types
    files = filesystem_of(place)
    try:
        return files.open(place.path(name), "rb")
    except FileNotFoundError as error:
        raise place.missing(name) from error
    except PermissionError as error:
        raise AccessDenied(
            f"cannot open {place.path(name)}: AWS refused. Is this login the right one? If so, "
            "show this to your platform engineer"
        ) from error


class Draft(io.BufferedIOBase):
    """A file that is put when it is closed; where its ``with`` block fails, it never was.

    Args:
        place: where to.
        name: that it is to have.
    """

    def __init__(self, place: Place, name: str) -> None:
        super().__init__()
        self._place = place
        self._name = name
        self._held: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the draft

    def readable(self) -> bool:
        """Whether it can be read: it cannot."""
        return False

    def writable(self) -> bool:
        """Whether it can be written."""
        return True

    def seekable(self) -> bool:
        """Whether it can be written in any order."""
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401 - whatever holds bytes
        """Write bytes; return how many."""
        return self._held.write(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place in it."""
        return self._held.seek(offset, whence)

    def tell(self) -> int:
        """Return where it stands."""
        return self._held.tell()

    def truncate(self, size: int | None = None) -> int:
        """Cut it off."""
        return self._held.truncate(size)

    def flush(self) -> None:
        """Do nothing: it is put when it is whole."""

    def discard(self) -> None:
        """Forget it; nothing is put."""
        self._held.close()
        super().close()

    def close(self) -> None:
        """Put it, once.

        Raises:
            AccessDenied: the person may not write there.
        """
        if self.closed:
            return
        try:
            size = self._held.seek(0, io.SEEK_END)
            self._held.seek(0)
            source = Source(
                name=self._name,
                said=f"the draft of {self._name}",
                open=lambda: self._held,
                size=size,
            )
            send(self._place, [source], told=lambda _: None)
        finally:
            self.discard()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put it, or forget it where the block failed."""
        if kind is not None:
            self.discard()
        self.close()

    def __del__(self) -> None:
        """Forget it: nobody said that it is whole."""
        if hasattr(self, "_held"):
            self.discard()


class TextDraft(io.TextIOWrapper):
    """A draft of text."""

    buffer: Draft  # type: ignore[assignment] # what it was made of

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put it, or forget it where the block failed."""
        if kind is not None:
            self.buffer.discard()
            return
        self.close()

    def __del__(self) -> None:
        """Forget it: nobody said that it is whole."""
        self.buffer.discard()
