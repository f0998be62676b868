"""Compare every resource and output of the deployed stacks with what their templates ask for."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starburst.local.deploy_templates import INDEX, templates_folder
from tests.local.parity import access, network, running, storage, watching
from tests.local.parity.differences import Difference, differences, paths
from tests.local.parity.intrinsics import Resolver, Template, resources_of
from tests.local.parity.reading import READERS, Services

__all__ = ["OUTPUT", "READ_BY", "Asked", "Comparison", "asked_for", "carried_templates", "compare"]

READ_BY = (access, network, running, storage, watching)
OUTPUT = "output"
"""Stands for a type where an output of a stack is compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a template asks for in one place.

    Attributes:
        place: the stack, and the logical id there.
        kind: type of the resource.
        ref: its physical id.
        properties: without intrinsic functions.
        held: what is there, where no service has to be asked.
    """

    place: str
    kind: str
    ref: str
    properties: Any
    held: Any = None


@dataclass(slots=True, kw_only=True)
class Comparison:
    """What was compared.

    Attributes:
        compared: properties by type.
        differing: by type and path, where, and how.
        pairs: what was asked for, and what was read.
    """

    compared: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    differing: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    pairs: list[tuple[Asked, Any]] = field(default_factory=list)

    def add(self, asked: Asked, held: Any) -> None:
        """Compare one resource."""
        self.pairs.append((asked, held))
        self.compared[asked.kind].update(paths(asked.properties))
        for each in differences(asked.properties, held):
            self.differing[asked.kind, each.path].append(_sentence(asked.place, each))


def _sentence(place: str, each: Difference) -> str:
    return f"{place}: asked for {each.asked[:300]}, held {each.held[:300]}"


def carried_templates() -> Mapping[str, Template]:
    """Return the templates of LOCAL by the names of their stacks, in the order of deployment."""
    folder = templates_folder()
    return {
        entry["stack"]: json.loads((folder / entry["template"]).read_text())
        for entry in json.loads((folder / INDEX).read_text())
    }


def asked_for(aws: Services) -> Sequence[Asked]:
    """Return what all templates ask for, of what their stacks have made now."""
    formation = aws["cloudformation"]
    stacks = {stack["StackName"]: stack for stack in formation.describe_stacks()["Stacks"]}
    outputs = {name: stack.get("Outputs", ()) for name, stack in stacks.items()}
    exports = {
        each["ExportName"]: each["OutputValue"]
        for found in outputs.values()
        for each in found
        if "ExportName" in each
    }
    zones = aws["ec2"].describe_availability_zones()["AvailabilityZones"]
    asked: list[Asked] = []
    for name, template in carried_templates().items():
        made = formation.describe_stack_resources(StackName=name)["StackResources"]
        resolver = Resolver(
            template=template,
            refs={each["LogicalResourceId"]: each["PhysicalResourceId"] for each in made},
            exports=exports,
            zones=tuple(each["ZoneName"] for each in zones),
        )
        asked += _resources(name, resolver)
        asked += _outputs(name, resolver, {each["OutputKey"]: each for each in outputs[name]})
    return asked


def _resources(stack: str, resolver: Resolver) -> Iterator[Asked]:
    for logical, resource in resources_of(resolver.template).items():
        if "Condition" in resource and logical not in resolver.refs:
            continue
        yield Asked(
            place=f"{stack}/{logical}",
            kind=resource["Type"],
            ref=resolver.refs[logical],
            properties=resolver.resolve(resource.get("Properties", {})),
        )


def _outputs(
    stack: str, resolver: Resolver, found: Mapping[str, Mapping[str, str]]
) -> Iterator[Asked]:
    for logical, output in resolver.template.get("Outputs", {}).items():
        held = found.get(logical, {})
        named = {"ExportName": output["Export"]["Name"]} if "Export" in output else {}
        yield Asked(
            place=f"{stack}/{logical}",
            kind=OUTPUT,
            ref=logical,
            properties=resolver.resolve({"Value": output["Value"], **named}),
            held={"Value": held.get("OutputValue"), "ExportName": held.get("ExportName")},
        )


def compare(aws: Services, asked: Iterable[Asked]) -> Comparison:
    """Read everything back.

    Raises:
        LookupError: nobody reads resources of a type yet.
    """
    result = Comparison()
    for each in asked:
        if each.kind != OUTPUT and each.kind not in READERS:
            raise LookupError(f"nothing reads {each.kind} back: write a reader beside the others")
        read = READERS.get(each.kind)
        held = each.held if read is None else read(aws, each.ref, each.properties)
        result.add(each, held)
    return result
