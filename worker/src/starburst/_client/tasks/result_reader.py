"""Reading results: listed, fetched, verified and decoded, in that order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from starburst._client.access.aws_errors import aws_errors
from starburst._codec import decode_batch, decode_each
from starburst._protocol.manifest import ResultMode
from starburst._protocol.sealed.result_nodes import Batch, ResultNode, open_node, parse_node_key
from starburst.aws.calls import is_permanent, quoted
from starburst.errors import IntegrityError, PayloadError, UnsafeResult

if TYPE_CHECKING:
    from starburst._client.access.connection import Connection
    from starburst.contract import SessionKeys

__all__ = ["NodeName", "ResultReader"]

NodeName = tuple[str, int, int]
"""A chunk, and the range of its tasks that a result node covers: first, and end (exclusive)."""

_READS: Final = 3
_AHEAD: Final = 24
"""Nodes that are read while one is taken: three for each thread that reads."""
_PAGE: Final = 1000


class ResultReader:
    """Reads a session's result nodes.

    Args:
        connection: where from.
        keys: the session.
        key: its data key, 32 bytes.
        mode: which results are accepted; None decodes none of them.
    """

    def __init__(
        self,
        connection: Connection,
        keys: SessionKeys,
        *,
        key: bytes,
        mode: ResultMode | None,
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._key = key
        self._mode: ResultMode | None = mode

    def list_nodes(self, *, first_open: str | None) -> Iterator[tuple[NodeName, str]]:
        """Yield the name and the key of each object that has a node's name.

        Args:
            first_open: the earliest chunk that is of interest; None for all.
        """
        after = self._keys.results if first_open is None else f"{self._keys.results}{first_open}/"
        position: dict[str, str] = {"StartAfter": after}
        while True:
            with aws_errors("list results"):
                page = self._connection.s3.list_objects_v2(
                    Bucket=self._connection.document.bucket,
                    Prefix=self._keys.results,
                    MaxKeys=_PAGE,
                    **position,  # type: ignore[arg-type]
                )
            for entry in page.get("Contents", []):
                key = entry.get("Key", "")
                name = parse_node_key(self._keys, key)
                if name is not None:
                    yield name, key
            token = page.get("NextContinuationToken", "")
            if not (page.get("IsTruncated") and token):
                return
            # By S3's own token and not by the last name, which may be anything.
            position = {"ContinuationToken": token}

    def fetch(
        self, pool: ThreadPoolExecutor, nodes: Sequence[tuple[NodeName, str]]
    ) -> Iterator[ResultNode | IntegrityError]:
        """Yield each node, or why what stands under its key is none; few are held at a time."""
        ahead: deque[Callable[[], ResultNode | IntegrityError]] = deque()
        for node in nodes:
            try:
                ahead.append(pool.submit(self._fetch, node).result)
            except RuntimeError:  # the interpreter is about to end, and some thread waits for us
                ahead.append(partial(self._fetch, node))
            if len(ahead) == _AHEAD:
                yield ahead.popleft()()
        while ahead:
            yield ahead.popleft()()

    def _fetch(self, node: tuple[NodeName, str]) -> ResultNode | IntegrityError:
        """Read and verify one object; what fails verification is never parsed.

        What arrives damaged is read again: only what stays damaged is damaged in S3.
        """
        (chunk, lo, hi), key = node
        damage = IntegrityError(f"{key} was not read")
        for _ in range(_READS):
            try:
                with aws_errors(f"read {key}"):
                    sealed = self._read(key)
                return open_node(
                    sealed, session=self._keys.session, chunk=chunk, lo=lo, hi=hi, key=self._key
                )
            except IntegrityError as error:
                damage = error
        return IntegrityError(f"{damage} {self._how_to_keep_it()}")

    def _read(self, key: str) -> bytes:
        try:
            answer = self._connection.s3.get_object(
                Bucket=self._connection.document.bucket, Key=key
            )
        except ClientError as error:
            if is_permanent(error):
                raise IntegrityError(f"{key} cannot be read: {quoted(error)}") from error
            raise
        return answer["Body"].read()

    def _how_to_keep_it(self) -> str:
        """Return what an analyst is to do: what this machine finds rings no alarm."""
        return (
            "No alarm rang for this unless a worker found it as well. They keep the evidence with "
            f"`python -m deploy.hold --environment {self._connection.document.environment} "
            f"--workspace {self._keys.workspace} --user {self._keys.user} --session "
            f"{self._keys.session} --apply`"
        )

    def decode(self, batch: Batch, chunk: str) -> Sequence[Any]:
        """Return a batch's results, one a task; a PayloadError stands for one that cannot be read.

        Raises:
            IntegrityError: it does not hold what it says.
            UnsafeResult: it holds what the session does not accept.
        """
        if self._mode is None:
            return [None] * batch.count
        data = memoryview(batch.parts[0])
        try:
            values = decode_batch(batch.format, data, mode=self._mode)
        except (IntegrityError, UnsafeResult):
            raise
        except PayloadError:
            values = decode_each(batch.format, data, mode=self._mode)
        if len(values) != batch.count:
            raise IntegrityError(
                f"a result of chunk {chunk} holds {len(values)} values for {batch.count}"
            )
        return values
