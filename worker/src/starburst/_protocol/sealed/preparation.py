"""What every process of a session's workers begins with: variables, and a call that comes first.

One sealed and signed object beside the functions. Variables may be secrets: they stand in no
manifest, no request to ECS and no log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from starburst.contract import SessionKeys
from starburst.errors import IntegrityError

from .envelope import Buffer, Header, seal, unseal
from .signing import SigningKey, verify
from .tables import dump_table, load_table, text

__all__ = ["Preparation", "preparation_key"]

_NAME: Final = "preparation"
"""The object's name; functions have names of another shape."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Preparation:
    """How a process begins.

    Attributes:
        variables: of its environment, beside those that the worker sets.
        initializer: the pickles of a function and of its ``(args, kwargs)``; empty for none.
    """

    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    initializer: tuple[bytes, ...] = field(default=(), repr=False)

    def __bool__(self) -> bool:
        """Whether there is anything to be prepared."""
        return bool(self.variables or self.initializer)

    def seal(self, *, session: str, key: bytes, signer: SigningKey) -> bytes:
        """Return the object to store."""
        table = dump_table([dict(self.variables), list(self.initializer)])
        return signer.sign(seal([table], key=key, header=_header(session)))

    @classmethod
    def open(cls, signed: Buffer, *, session: str, key: bytes, public: bytes) -> Preparation:
        """Verify and read what :meth:`seal` gave.

        Raises:
            IntegrityError: no client of the session wrote it.
        """
        data = unseal(verify(signed, public=public), key=key, expect=_header(session))
        try:
            variables, initializer = load_table(data)
            if type(variables) is not dict or type(initializer) is not list:
                raise TypeError("it has another shape")
            return cls(
                variables={text(name): text(value) for name, value in variables.items()},
                initializer=tuple(bytes(memoryview(part)) for part in initializer),
            )
        except (TypeError, ValueError) as error:
            raise IntegrityError(f"the session's preparation is malformed: {error}") from None


def preparation_key(keys: SessionKeys) -> str:
    """Return the S3 key of a session's preparation."""
    return f"{keys.functions}{_NAME}"


def _header(session: str) -> Header:
    return Header(session=session, kind="function", name=_NAME, attempt=0, format="preparation")
