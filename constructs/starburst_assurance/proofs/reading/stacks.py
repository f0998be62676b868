"""The stacks of one environment in a cloud assembly, and what each resource is called here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from starburst_assurance.proofs.reading.errors import ProofError
from starburst_assurance.proofs.reading.resolve import Physical, Resolver, Template

__all__ = ["Resource", "Stacks", "read_stacks"]

_HASH: Final = re.compile(r"[0-9A-F]{8}$")
_BOOTSTRAP: Final = "bootstrapStackVersionSsmParameter"
_QUALIFIER: Final = re.compile(r"^/cdk-bootstrap/([^/]+)/version$")

Resource = tuple[str, str, str, Mapping[str, Any]]
"""Stack, logical id, type, and properties as the template has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stacks:
    """The templates of one environment.

    Attributes:
        resolver: makes their tokens concrete.
        short: the name of each stack within its environment, by its name in CloudFormation.
        qualifier: of the bootstrap that deploys them; empty where none says one.
    """

    resolver: Resolver
    short: Mapping[str, str]
    qualifier: str

    def resources(self, *kinds: str) -> Iterator[Resource]:
        """Yield resources of these types; all of them without any."""
        for stack, template in self.resolver.templates.items():
            for logical_id, resource in template["Resources"].items():
                if not kinds or resource["Type"] in kinds:
                    yield stack, logical_id, resource["Type"], resource.get("Properties", {})

    def label(self, stack: str, logical_id: str) -> str:
        """Return what reports call a resource, such as ``storage/Data``."""
        return f"{self.short[stack]}/{_HASH.sub('', logical_id)}"


def read_stacks(
    assembly: Path | str, environment: str, *, physical: Physical | None = None
) -> Stacks:
    """Return the stacks that synthesis wrote for an environment.

    Args:
        assembly: the directory that it wrote.
        environment: name of the stage.
        physical: how AWS calls what is deployed; names are made up without it.

    Raises:
        ProofError: there is no such environment, or several bootstraps deploy it.
    """
    folder = Path(assembly) / f"assembly-{environment}"
    if not (folder / "manifest.json").exists():
        raise ProofError(f"{assembly} has no environment {environment}; synthesize it first")
    manifest = json.loads((folder / "manifest.json").read_text())
    templates: dict[str, Template] = {}
    short: dict[str, str] = {}
    place = ("", "")
    qualifiers: set[str] = set()
    for artifact in manifest["artifacts"].values():
        if artifact["type"] != "aws:cloudformation:stack":
            continue
        properties = artifact["properties"]
        stack = properties["stackName"]
        templates[stack] = json.loads((folder / properties["templateFile"]).read_text())
        short[stack] = artifact["displayName"].rpartition("/")[2].split(" ")[0]
        account, _, region = artifact["environment"].removeprefix("aws://").partition("/")
        place = (account, region)
        qualifiers.update(_QUALIFIER.findall(properties.get(_BOOTSTRAP, "")))
    if len(qualifiers) > 1:
        raise ProofError(
            f"the stacks of {environment} are deployed by several bootstraps, "
            f"{' and '.join(sorted(qualifiers))}, and a proof is about one: give all of them the "
            "same qualifier"
        )
    return Stacks(
        resolver=Resolver(templates, *place, physical=physical),
        short=short,
        qualifier=next(iter(qualifiers), ""),
    )
