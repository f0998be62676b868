"""Compare every resource and output of the deployed stacks with what their templates ask for."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from starburst.local.deploy_templates import INDEX, templates_folder
from tests.local.parity import access, network, running, storage, watching
from tests.local.parity.differences import Difference, differences, paths
from tests.local.parity.intrinsics import Resolver, Template, resources_of
from tests.local.parity.reading import READERS, Services

__all__ = ["Comparison", "Stack", "compare", "deployed_stacks"]

READ_BY = (access, network, running, storage, watching)
OUTPUT = "output"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A template, and what CloudFormation made of it."""

    name: str
    template: Template
    refs: Mapping[str, str]
    outputs: Mapping[str, Mapping[str, str]]


@dataclass(slots=True, kw_only=True)
class Comparison:
    """What was compared.

    Attributes:
        compared: properties by type.
        differing: by type and path, where, and how.
    """

    compared: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    differing: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, kind: str, name: str, asked: Any, held: Any) -> None:
        self.compared[kind].update(paths(asked))
        for each in differences(asked, held):
            self.differing[kind, each.path].append(_sentence(name, each))


def _sentence(name: str, each: Difference) -> str:
    return f"{name}: asked for {each.asked[:300]}, held {each.held[:300]}"


def deployed_stacks(aws: Services) -> Iterator[Stack]:
    formation = aws["cloudformation"]
    for entry in json.loads((templates_folder() / INDEX).read_text()):
        name = entry["stack"]
        (found,) = formation.describe_stacks(StackName=name)["Stacks"]
        made = formation.describe_stack_resources(StackName=name)["StackResources"]
        yield Stack(
            name=name,
            template=json.loads((templates_folder() / entry["template"]).read_text()),
            refs={each["LogicalResourceId"]: each["PhysicalResourceId"] for each in made},
            outputs={each["OutputKey"]: each for each in found.get("Outputs", ())},
        )


def compare(aws: Services) -> Comparison:
    """Read everything back."""
    stacks = [*deployed_stacks(aws)]
    exports = {
        each["ExportName"]: each["OutputValue"]
        for stack in stacks
        for each in stack.outputs.values()
        if "ExportName" in each
    }
    zones = aws["ec2"].describe_availability_zones()["AvailabilityZones"]
    names = tuple(each["ZoneName"] for each in zones)
    result = Comparison()
    for stack in stacks:
        resolver = Resolver(template=stack.template, refs=stack.refs, exports=exports, zones=names)
        for logical, resource in resources_of(stack.template).items():
            kind, asked = resource["Type"], resolver.resolve(resource.get("Properties", {}))
            held = READERS[kind](aws, stack.refs[logical], asked)
            result.add(kind, f"{stack.name}/{logical}", asked, held)
        for logical, output in stack.template.get("Outputs", {}).items():
            asked = {"Value": output["Value"], "ExportName": output.get("Export", {}).get("Name")}
            found = stack.outputs.get(logical, {})
            held = {"Value": found.get("OutputValue"), "ExportName": found.get("ExportName")}
            wanted = {name: each for name, each in resolver.resolve(asked).items() if each}
            result.add(OUTPUT, f"{stack.name}/{logical}", wanted, held)
    return result
