"""All templates of one environment, read as one, so that a rule sees across its stacks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

__all__ = ["Resource", "Template", "read_stage"]

_HASH: Final = re.compile(r"[0-9A-F]{8}$")
_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")
_PART: Final = re.compile(r"\$\{(\w+)")
"""What ``Fn::Sub`` refers to: a resource, with or without an attribute behind it."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Resource:
    """One resource as it would be deployed.

    Attributes:
        name: its id in the environment, unique across stacks.
        path: construct path below the environment; the id where no path is known.
        logical_id: its id in its own stack.
        file: the template that holds it.
        body: what the template says, references to other stacks resolved.
        metadata: of its construct by type, which no template holds; references resolved as well.
    """

    name: str
    path: str
    logical_id: str
    file: str
    body: Mapping[str, Any]
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """CloudFormation type."""
        return str(self.body["Type"])

    @property
    def properties(self) -> Mapping[str, Any]:
        """Its properties; none for a resource that needs none."""
        return self.body.get("Properties", {})


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Template:
    """The resources of one environment.

    Attributes:
        resources: by name.
    """

    resources: Mapping[str, Resource]

    @classmethod
    def of(cls, template: Mapping[str, Any]) -> Template:
        """Read one template by itself; paths are its logical ids.

        Example:
            >>> bucket = {"Type": "AWS::S3::Bucket"}
            >>> [found.name for found in Template.of({"Resources": {"B": bucket}}).all_of()]
            ['B']
        """
        return cls(
            resources={
                name: Resource(name=name, path=name, logical_id=name, file="", body=body)
                for name, body in template.get("Resources", {}).items()
            }
        )

    def all_of(self, *kinds: str) -> Iterator[Resource]:
        """Yield the resources of these types; all of them without any."""
        for resource in self.resources.values():
            if not kinds or resource.kind in kinds:
                yield resource

    def referred(self, value: object) -> Resource | None:
        """Return the resource that ``value`` refers to, or None where it is no reference."""
        if isinstance(value, Mapping):
            if "Ref" in value:
                return self.resources.get(str(value["Ref"]))
            if "Fn::GetAtt" in value:
                return self.resources.get(_attribute(value["Fn::GetAtt"])[0])
        return None

    def text(self, value: object) -> str:
        """Spell a value as one line: ``<Data.Arn>/*`` for what has no text before deployment."""
        if isinstance(value, Mapping) and len(value) == 1:
            [(name, inner)] = value.items()
            if name == "Fn::Join":
                return str(inner[0]).join(self.text(part) for part in inner[1])
            if name == "Ref":
                return f"<{self._label(str(inner))}>"
            if name == "Fn::GetAtt":
                owner, attribute = _attribute(inner)
                return f"<{self._label(owner)}.{attribute}>"
        if isinstance(value, str):
            return _VARIABLE.sub(r"<\1>", value)
        return json.dumps(value, sort_keys=True)

    def _label(self, name: str) -> str:
        resource = self.resources.get(name)
        return _HASH.sub("", resource.logical_id) if resource else name

    def as_dict(self) -> dict[str, Any]:
        """Return one CloudFormation template with every resource."""
        return {"Resources": {name: dict(each.body) for name, each in self.resources.items()}}


def read_stage(files: Sequence[Path], *, stage: str) -> Template:
    """Read the templates of one environment from a cloud assembly.

    Args:
        files: its templates.
        stage: construct path of the environment.

    Raises:
        LookupError: there is no template, so that nothing would be judged.
    """
    if not files:
        raise LookupError(f"{stage} has no templates: nothing could be judged")
    stacks = {file: json.loads(file.read_text()) for file in files}
    exports: dict[str, Any] = {}
    for file, template in stacks.items():
        for output in template.get("Outputs", {}).values():
            if "Export" in output:
                value = _renamed(output["Value"], _prefix(file), template)
                exports[str(output["Export"]["Name"])] = value
    resources = {}
    for file, template in stacks.items():
        constructs = _constructs(file, stage)
        for logical_id, body in template.get("Resources", {}).items():
            name = _prefix(file) + logical_id
            resolved = _imported(_renamed(body, _prefix(file), template), exports)
            path, metadata = constructs.get(logical_id, (logical_id, {}))
            resources[name] = Resource(
                name=name,
                path=path,
                logical_id=logical_id,
                file=str(file),
                body=cast(Mapping[str, Any], resolved),
                metadata=cast(
                    Mapping[str, Any],
                    _imported(_renamed(metadata, _prefix(file), template), exports),
                ),
            )
    return Template(resources=resources)


def _prefix(file: Path) -> str:
    return file.name.removesuffix(".template.json")


def _constructs(file: Path, stage: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return path below the stage, and metadata by type, of each construct by logical id."""
    metadata = file.with_name(_prefix(file) + ".metadata.json")
    if not metadata.exists():
        return {}
    found = {}
    for path, entries in json.loads(metadata.read_text()).items():
        by_type = {entry["type"]: entry.get("data") for entry in entries}
        logical_id = by_type.pop("aws:cdk:logicalId", None)
        if logical_id is not None:
            found[str(logical_id)] = str(path).removeprefix(f"/{stage}/"), by_type
    return found


def _attribute(value: object) -> tuple[str, str]:
    parts = value.split(".", 1) if isinstance(value, str) else cast(Sequence[str], value)
    return str(parts[0]), str(parts[1])


def _renamed(value: object, prefix: str, template: Mapping[str, Any]) -> object:
    """Put the stack's prefix before every reference to a resource of its own."""
    if isinstance(value, list):
        return [_renamed(item, prefix, template) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"Ref"} and value["Ref"] in template["Resources"]:
        return {"Ref": prefix + value["Ref"]}
    if value.keys() == {"Fn::GetAtt"}:
        owner, attribute = _attribute(value["Fn::GetAtt"])
        return {"Fn::GetAtt": [prefix + owner, attribute]}
    if value.keys() == {"Fn::Sub"} and isinstance(value["Fn::Sub"], str):
        known = template["Resources"]
        return {
            "Fn::Sub": _PART.sub(
                lambda part: f"${{{prefix if part[1] in known else ''}{part[1]}", value["Fn::Sub"]
            )
        }
    return {
        key: _renamed(item, prefix, template)
        for key, item in value.items()
        if key not in ("DependsOn", "Metadata")
    }


def _imported(value: object, exports: Mapping[str, Any]) -> object:
    """Put what another stack exports in the place of its import."""
    if isinstance(value, list):
        return [_imported(item, exports) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"Fn::ImportValue"}:
        return exports.get(str(value["Fn::ImportValue"]), value)
    return {key: _imported(item, exports) for key, item in value.items()}
