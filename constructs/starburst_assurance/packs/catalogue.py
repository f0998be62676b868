"""What cdk-nag's packs say of themselves: each rule's sentence and the controls that it answers.

They are read from the code of the packs in the installed wheel, so that every control id is the
pack's own, of the version that judges.
"""

from __future__ import annotations

import re
import tarfile
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from types import MappingProxyType
from typing import Final

__all__ = ["NagEntry", "nag_catalogue"]

_FILES: Final = MappingProxyType(
    {
        "AwsSolutions": "aws-solutions",
        "HIPAA.Security": "hipaa-security",
        "NIST.800.53.R5": "nist-800-53-r5",
        "PCI.DSS.321": "pci-dss-321",
    }
)
_TEXT: Final = r"""(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`)"""
_APPLIED: Final = re.compile(
    rf"applyRule\(\{{\s*(?:ruleSuffixOverride: '(?P<suffix>\w+)',\s*)?info: (?P<info>{_TEXT}),"
    rf"\s*explanation: {_TEXT}(?:\s*\+\s*{_TEXT})*,\s*level: [\w.]+,\s*rule: \w+\.(?P<name>\w+),",
    re.DOTALL,
)
_CONTROLS: Final = re.compile(r" - \(Control IDs?: (.*)\)\.?$", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class NagEntry:
    """One rule of one pack.

    Attributes:
        rule: its id.
        info: what the pack writes of a finding: a sentence, and controls behind it.
        cause: the sentence alone.
        controls: ids in the pack's own framework; none for AwsSolutions.
    """

    rule: str
    info: str
    cause: str
    controls: tuple[str, ...]


@cache
def nag_catalogue(pack: str) -> tuple[NagEntry, ...]:
    """Return the rules of one pack of cdk-nag.

    Args:
        pack: its name, as ``HIPAA.Security``.

    Example:
        >>> rules = {entry.rule: entry for entry in nag_catalogue("PCI.DSS.321")}
        >>> rules["PCI.DSS.321-S3BucketSSLRequestsOnly"].controls
        ('2.2', '4.1', '8.2.1')
    """
    wheel = distribution("cdk-nag")
    [archive] = [file for file in wheel.files or () if file.name.endswith(".jsii.tgz")]
    with tarfile.open(str(wheel.locate_file(archive))) as members:
        file = members.extractfile(f"package/lib/packs/{_FILES[pack]}.js")
        code = file.read().decode() if file else ""
    return tuple(
        _entry(pack, found["suffix"] or found["name"], found["info"][1:-1])
        for found in _APPLIED.finditer(code)
    )


def _entry(pack: str, name: str, text: str) -> NagEntry:
    info = re.sub(r"\\(.)", r"\1", text)
    named = _CONTROLS.search(info)
    return NagEntry(
        rule=f"{pack}-{name}",
        info=info,
        cause=_CONTROLS.sub(".", info),
        # A stray dot or two, and lists with one id twice, are the packs' own.
        controls=tuple(
            dict.fromkeys(part.strip() for part in (named[1] if named else "").split(",") if part)
        ),
    )
