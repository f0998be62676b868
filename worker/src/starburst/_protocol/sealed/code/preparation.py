"""What every process of a session's workers begins with: variables, and a call that comes first.

One sealed and signed object beside the functions. Variables may be secrets: they stand in no
manifest, no request to ECS and no log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from starburst._protocol.sealed.envelope import Buffer, Header, seal, unseal
from starburst._protocol.sealed.signing import SigningKey, verify
from starburst._protocol.sealed.tables import dump_table, load_table, text
from starburst.contract import SessionKeys
from starburst.errors import IntegrityError

__all__ = ["Preparation", "preparation_key"]

_NAME: Final = "preparation"
"""The object's name; functions have names of another shape."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Preparation:
    """How a process begins.

    Attributes:
        variables: of its environment, beside those that the worker sets.
        function: name of the session's function that is called first; empty for none.
        arguments: the pickle of its ``(args, kwargs)``.
    """

    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    function: str = ""
    arguments: bytes = field(default=b"", repr=False)

    def seal(self, *, session: str, key: bytes, signer: SigningKey) -> bytes:
        """Return the object to store."""
        table = dump_table([dict(self.variables), self.function, self.arguments])
        return signer.sign(seal([table], key=key, header=_header(session)))

    @classmethod
    def open(cls, signed: Buffer, *, session: str, key: bytes, public: bytes) -> Preparation:
        """Verify and read what :meth:`seal` gave.

        Raises:
            IntegrityError: no client of the session wrote it.
        """
        data = unseal(verify(signed, public=public), key=key, expect=_header(session))
        try:
            variables, function, arguments = load_table(data)
            if type(variables) is not dict or type(arguments) is not bytes:
                raise TypeError("it has another shape")
            return cls(
                variables={text(name): text(value) for name, value in variables.items()},
                function=text(function),
                arguments=arguments,
            )
        except (TypeError, ValueError) as error:
            raise IntegrityError(f"the session's preparation is malformed: {error}") from None


def preparation_key(keys: SessionKeys) -> str:
    """Return the S3 key of a session's preparation."""
    return f"{keys.functions}{_NAME}"


def _header(session: str) -> Header:
    return Header(session=session, kind="function", name=_NAME, attempt=0, format="preparation")
