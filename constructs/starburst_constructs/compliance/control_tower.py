"""AWS Control Tower's proactive rules as a judge, by AWS's own cfn-guard.

They come in a wheel, with the binary. Its own CDK plugin parses all 237 rules for each template and
takes a reference to another stack for a missing value; so the binary is called once per
environment, with the rules that speak of its resource types, over its templates read as one.
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

from starburst_constructs.compliance.judge import Finding, GatedStage
from starburst_constructs.compliance.template import Template, read_stage

__all__ = ["ControlTower", "GuardEntry", "GuardError", "guard_catalogue"]

_WHEEL: Final = "cdklabs-cdk-validator-cfnguard"
_RULES: Final = "package/rules/control-tower/cfn-guard/"
_METADATA: Final = "package/rules/control-tower/metadata/"
_IDENTIFIER: Final = re.compile(r"Rule Identifier:\s*#\s*(\w+)")
_SYSTEM: Final = {"linux": "ubuntu", "darwin": "macos"}
_MACHINE: Final = {"x86_64": "x86_64", "amd64": "x86_64", "arm64": "aarch64", "aarch64": "aarch64"}
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
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            guard, rules = _unpack(folder, kinds={each.kind for each in template.all_of()})
            data = folder / "template.json"
            data.write_text(json.dumps(template.as_dict()))
            arguments = [word for rule in rules for word in ("--rules", str(rule))]
            arguments += ["--data", str(data), "--structured", "--output-format", "json"]
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
        guard: the rule's name in cfn-guard.
        title: what it requires.
        kinds: CloudFormation types that it judges.
        nist: controls of NIST 800-53 R5.
        pci: requirements of PCI DSS 3.2.1.
    """

    rule: str
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
    with _archive() as members:
        for member in members:
            stem = Path(member.name).name.split(".")[0]
            if member.name.startswith(_RULES) and member.name.endswith(".guard"):
                named = _IDENTIFIER.search(_read(members, member).decode())
                guards[stem] = named[1] if named else ""
            elif member.name.startswith(_METADATA):
                metadata[stem] = json.loads(_read(members, member))
    return tuple(
        GuardEntry(
            rule=str(found["Id"]),
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


def _archive() -> tarfile.TarFile:
    wheel = distribution(_WHEEL)
    [archive] = [file for file in wheel.files or () if file.name.endswith(".jsii.tgz")]
    return tarfile.open(str(wheel.locate_file(archive)))


def _unpack(folder: Path, *, kinds: set[str]) -> tuple[Path, list[Path]]:
    """Write the binary, and the rules that name one of ``kinds``, into ``folder``."""
    try:
        place = f"{_SYSTEM[sys.platform]}/{_MACHINE[platform.machine().lower()]}"
    except KeyError as unknown:
        raise GuardError(
            f"AWS has no cfn-guard for {unknown}; synthesize on Linux or macOS, or take "
            "ControlTower out of the environment's packs"
        ) from None
    guard = folder / "cfn-guard"
    rules = []
    with _archive() as members:
        for member in members:
            if member.name == f"package/bin/{place}/cfn-guard":
                guard.write_bytes(_read(members, member))
                guard.chmod(0o700)
            elif member.name.startswith(_RULES) and member.name.endswith(".guard"):
                text = _read(members, member)
                if any(re.search(rf"\b{kind}\b".encode(), text) for kind in kinds):
                    rules.append(folder / Path(member.name).name)
                    rules[-1].write_bytes(text)
    if not guard.exists() or not rules:
        raise GuardError(f"{_WHEEL} holds no binary for {place}, or no rules of ours")
    return guard, rules


def _read(members: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = members.extractfile(member)
    return file.read() if file else b""


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
            mend=fix[1].strip() if fix else "",
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
