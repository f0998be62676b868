"""What CloudFormation cannot change in place, by type: read from the schemas in cfn-lint."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

__all__ = [
    "Pointer",
    "SchemaError",
    "create_only",
    "identifier",
    "of_the_account",
    "values_at",
]

Pointer = tuple[str, ...]
"""The names on the way to a property; ``*`` for each item of a list."""

_REGION: Final = "us-east-1"
"""Where AWS has every type first."""


_ACCOUNT: Final = ("AccountId", "AwsAccountId", "RegistryId")
"""How schemas call an account; a registry is called by its account's number."""


class SchemaError(RuntimeError):
    """The schemas cannot be read, so nothing may pass."""


def create_only(kind: str, *, conditional: bool = True) -> tuple[Pointer, ...] | None:
    """Return the properties whose change replaces a resource; None for an unknown type.

    Args:
        kind: CloudFormation type.
        conditional: those too whose change replaces it under some condition.

    Raises:
        SchemaError: cfn-lint is not installed, or keeps its schemas in another way.

    Example:
        >>> create_only("AWS::ECS::Cluster")
        (('ClusterName',),)
    """
    schema = _schema(kind)
    if schema is None:
        return None
    written = [
        *schema.get("createOnlyProperties", ()),
        *(schema.get("conditionalCreateOnlyProperties", ()) if conditional else ()),
    ]
    pointers = sorted(map(_pointer, written))
    # Of a property and its parts the whole is enough.
    return tuple(
        one for one in pointers if not any(one != other == one[: len(other)] for other in pointers)
    )


def identifier(kind: str) -> Pointer | None:
    """Return the property that alone identifies a resource; None where several do.

    Example:
        >>> identifier("AWS::RDS::DBInstance")
        ('DBInstanceIdentifier',)
    """
    written = (_schema(kind) or {}).get("primaryIdentifier", ())
    return _pointer(written[0]) if len(written) == 1 else None


def of_the_account(kind: str) -> bool:
    """Return whether an account has one of a type in a Region: its number alone identifies it.

    Example:
        >>> [of_the_account(f"AWS::ECR::{one}") for one in ("RegistryPolicy", "Repository")]
        [True, False]
    """
    written = (_schema(kind) or {}).get("primaryIdentifier", ())
    return bool(written) and all(_pointer(one)[-1] in _ACCOUNT for one in written)


def values_at(properties: object, pointer: Pointer) -> Iterator[Any]:
    """Yield what a resource says at a pointer; nothing where it says nothing.

    Example:
        >>> list(values_at({"Disks": [{"Size": 1}, {"Size": 2}]}, ("Disks", "*", "Size")))
        [1, 2]
    """
    if not pointer:
        yield properties
    elif pointer[0] == "*" and isinstance(properties, list):
        for item in properties:
            yield from values_at(item, pointer[1:])
    elif isinstance(properties, Mapping) and pointer[0] in properties:
        yield from values_at(properties[pointer[0]], pointer[1:])


def _pointer(written: str) -> Pointer:
    return tuple(written.removeprefix("/properties/").split("/"))


@cache
def _folder() -> Path:
    package = find_spec("cfnlint")
    if package is None or package.origin is None:
        raise SchemaError(
            "cfn-lint is not installed, so nobody can tell what CloudFormation replaces; install "
            "the development dependencies"
        )
    return Path(package.origin).parent / "data" / "schemas"


@cache
def _files() -> Mapping[str, str]:
    return _read(_folder() / "providers" / f"{_REGION}.json")


@cache
def _schema(kind: str) -> Mapping[str, Any] | None:
    name = _files().get(kind)
    return None if name is None else _read(_folder() / "resources" / f"{name}.json")


def _read(path: Path) -> Mapping[str, Any]:
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise SchemaError(
            f"cfn-lint has no {path.name} in {path.parent}: this release keeps its schemas "
            "elsewhere; take the one that uv.lock names"
        ) from error
