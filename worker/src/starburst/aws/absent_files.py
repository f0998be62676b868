"""A key that does not exist, told from a refusal, where fsspec's libraries ask for it.

S3 answers 403 to a GET or HEAD of a missing key where the caller's right to list is bound to a
prefix, as ours is. Zarr asks for chunks that were never written, because they would hold nothing
but the fill value, and takes FileNotFoundError for that, and nothing else.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.util
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["answers_for_absent", "tell_absent_in_tasks"]

_READS: Final = frozenset({"get_object", "head_object"})
_MODULE: Final = "s3fs.core"

Call = Callable[..., Awaitable[Any]]


def answers_for_absent(call: Call) -> Call:
    """Return s3fs's ``_call_s3``, which raises FileNotFoundError for a key that is not listed."""

    @functools.wraps(call)
    async def asks(self: Any, method: str, *terms: Any, **named: Any) -> Any:  # noqa: ANN401
        try:
            return await call(self, method, *terms, **named)
        except PermissionError as refusal:
            if method not in _READS or "VersionId" in named:
                raise
            bucket, key = named.get("Bucket"), named.get("Key")
            try:
                page = await call(self, "list_objects_v2", Bucket=bucket, Prefix=key, MaxKeys=1)
            except Exception:  # it may not be listed either: a refusal it stays
                raise refusal from None
            if any(each["Key"] == key for each in page.get("Contents", ())):
                raise
            raise FileNotFoundError(f"there is nothing at s3://{bucket}/{key}") from refusal

    return asks


def tell_absent_in_tasks() -> None:
    """Have s3fs answer so in this process, once something imports it; called before that."""
    sys.meta_path.insert(0, _WhenImported())


class _WhenImported(importlib.abc.MetaPathFinder):
    """Finds s3fs as the others do, and has a last word when it is loaded."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = functools.partial(_load, spec.loader.exec_module)  # type: ignore[method-assign]
        return spec


def _load(load: Callable[[ModuleType], None], module: ModuleType) -> None:
    load(module)
    _change(module)


def _change(module: Any) -> None:  # noqa: ANN401 - s3fs has no types
    files = module.S3FileSystem
    files._call_s3 = answers_for_absent(files._call_s3)
