"""Hold a deployed environment against its code: ``python -m deploy.audit``; it changes nothing.

Exit codes: 0 all is as it should be; 1 something is not; 2 some of it could not be looked at.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from deploy.changing.assembly import manifests
from deploy.incident.command import (
    Clients,
    IncidentError,
    Scope,
    complain,
    conclude,
    find_environment,
    say,
    shown,
)
from deploy.lifecycle.destroy import synthesized
from starburst.aws.calls import words_of
from starburst_constructs.identity.auditing import auditor_document

from .checks import CHECKS
from .subject import Check, Finding, Subject, Template

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["Audit", "audit", "main", "templates"]

_FOUND: Final = 1
_UNSEEN: Final = 2
_YOURS: Final = (14, 15, 16, 17, 18)
"""Items of the security guide's list that no call to AWS can answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What came of it.

    Attributes:
        findings: by the check's name.
        unseen: why a check could not look at everything, by its name.
    """

    findings: Mapping[str, tuple[Finding, ...]]
    unseen: Mapping[str, str]

    @property
    def code(self) -> int:
        """The exit code; what was not seen outweighs what was found, for there may be more."""
        if self.unseen:
            return _UNSEEN
        return _FOUND if any(self.findings.values()) else 0


def audit(subject: Subject, checks: Iterable[Check] = CHECKS) -> Audit:
    """Look at all of it; a check that AWS refuses keeps no other from looking."""
    findings: dict[str, tuple[Finding, ...]] = {}
    unseen: dict[str, str] = {}
    for check in checks:
        found: list[Finding] = []
        try:
            for one in check.look(subject):
                found.append(one)
        except (ClientError, BotoCoreError) as error:
            call = getattr(error, "operation_name", "")
            unseen[check.name] = f"{call}: {words_of(error)}" if call else words_of(error)
        except IncidentError as error:
            unseen[check.name] = str(error)
        findings[check.name] = tuple(found)
    return Audit(findings=findings, unseen=unseen)


def templates(assembly: Path) -> dict[str, Template]:
    """Return what a synthesis wrote, by the names of its stacks."""
    import json  # noqa: PLC0415 - kept together with its use

    return {
        stack["stackName"]: json.loads((path.parent / stack["templateFile"]).read_text())
        for path, _, stacks in manifests(assembly)
        for stack in stacks
    }


def main(
    arguments: Sequence[str] | None = None,
    *,
    clients: Clients | None = None,
    expected: Callable[[Environment], Mapping[str, Template]] | None = None,
) -> int:
    """Look and tell; return the process's exit code.

    Args:
        arguments: of the command line.
        clients: made of the shell's credentials without it.
        expected: gives the templates of an environment's code; a synthesis without it.
    """
    words = _options().parse_args(arguments)
    return conclude("audit", lambda: _work(words, clients, expected or _synthesis))


def _work(
    words: argparse.Namespace,
    clients: Clients | None,
    expected: Callable[[Environment], Mapping[str, Template]],
) -> int:
    environment = find_environment(words.environment)
    if words.permission:
        shown(auditor_document(environment.name, placement=environment.placement))
        return 0
    clients = clients or Scope(environment=environment, workspaces=(), whole=True).clients()
    subject = Subject(environment=environment, clients=clients, expected=expected(environment))
    found = audit(subject)
    if words.json:
        shown(_as_data(environment.name, found))
    else:
        _tell(environment.name, found)
    return found.code


def _synthesis(environment: Environment) -> Mapping[str, Template]:
    with tempfile.TemporaryDirectory() as outdir:
        return templates(synthesized(environment, Path(outdir)))


def _tell(name: str, found: Audit) -> None:
    for check, findings in found.findings.items():
        for one in findings:
            say(f"{check}: {one}")
    for check, why in found.unseen.items():
        complain(f"{check}: cannot look at all of it ({why}); see --permission")
    total = sum(map(len, found.findings.values()))
    clean = sum(
        not findings and check not in found.unseen for check, findings in found.findings.items()
    )
    yours = ", ".join(map(str, _YOURS))
    say(
        f"{name}: {total} {'finding' if total == 1 else 'findings'}; {clean} of "
        f"{len(found.findings)} checks found nothing; {len(found.unseen)} could not look at "
        f"everything. Items {yours} of the checklist are yours: docs/checklist.md"
    )


def _as_data(name: str, found: Audit) -> dict[str, Any]:
    items = {check.name: check.items for check in CHECKS}
    return {
        "environment": name,
        "checks": [
            {
                "check": check,
                "items": list(items.get(check, ())),
                "findings": [asdict(one) for one in findings],
                "unseen": found.unseen.get(check),
            }
            for check, findings in found.findings.items()
        ],
        "yours": list(_YOURS),
    }


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.audit",
        description="Hold a deployed environment against its code. It changes nothing.",
        epilog="Exit codes: 0 all is as it should be; 1 findings; 2 it could not look at all.",
    )
    parser.add_argument("--environment", required=True, metavar="NAME")
    parser.add_argument("--json", action="store_true", help="print a JSON object")
    parser.add_argument("--permission", action="store_true", help="print the policy that allows it")
    return parser
