"""Which permissions CloudFormation's handlers of a type need, as its registry says.

cfn-lint carries a copy of the registry's schemas, ``handlers`` and all:
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

__all__ = ["HANDLERS", "SchemaError", "handlers", "is_known", "tagging"]

HANDLERS: Final = ("create", "read", "update", "delete")
"""Those that a deployment calls; ``list`` is for who looks through an account."""


class SchemaError(Exception):
    """The registry's schemas are missing, or say nothing of a type."""


def handlers(kind: str, *, region: str) -> Mapping[str, tuple[str, ...]]:
    """Return the permissions that each handler of a type needs; none where nothing is stated.

    Args:
        kind: the type, such as ``AWS::S3::Bucket``.
        region: whose registry is asked.

    Raises:
        SchemaError: no schema is there.
    """
    found = _schema(kind, region).get("handlers") or {}
    return {name: tuple(found[name]["permissions"]) for name in HANDLERS if name in found}


def is_known(kind: str, *, region: str) -> bool:
    """Return whether a Region's registry has a type."""
    return kind in _index(region)


def tagging(kind: str, *, region: str) -> tuple[str, ...]:
    """Return the permissions that tags of a type need; none where it has no tags."""
    return tuple((_schema(kind, region).get("tagging") or {}).get("permissions", ()))


@cache
def _folder() -> Path:
    package = find_spec("cfnlint")
    if package is None or package.origin is None:
        raise SchemaError(
            "cfn-lint is not installed, and its copy of CloudFormation's registry says which "
            "permissions a type needs; install the extra: pip install 'starburst-kit[assurance]'"
        )
    return Path(package.origin).parent / "data" / "schemas"


@cache
def _index(region: str) -> dict[str, str]:
    path = _folder() / "providers" / f"{region}.json"
    if not path.is_file():
        raise SchemaError(f"cfn-lint carries no registry of {region}; is the Region's name right?")
    return json.loads(path.read_text())


@cache
def _schema(kind: str, region: str) -> dict[str, Any]:
    name = _index(region).get(kind)
    if name is None:
        raise SchemaError(f"{region} has no type {kind}, as far as the installed cfn-lint knows")
    return json.loads((_folder() / "resources" / f"{name}.json").read_text())
