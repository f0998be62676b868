"""Write what an officer hands on: ``python -m deploy.compliance --environment prod``.

The record of processing (Article 30 of the GDPR), two policies for the organization, which are
proved first, and with the profile ``pci`` the matrix of responsibilities. It reads the settings
alone, and no account.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.compliance.page import record_csv, record_page
from deploy.compliance.record import YOURS, record
from environments import ALL
from stacks.settings.profiles import profiles_of
from starburst.untrusted.terminal_text import one_line, tell
from starburst_assurance.controls.matrix import matrix_csv
from starburst_assurance.controls.pci import PCI_LINES
from starburst_assurance.dependencies import MissingJudgeError, require_judges
from starburst_assurance.proofs.reading.errors import ProofError
from starburst_constructs.policies.organization_policies import PolicySizeError

if TYPE_CHECKING:
    from stacks.settings import Environment

__all__ = ["main", "write"]

_QUALIFIER = re.compile("[A-Za-z0-9_-]{1,10}")
"""As the template of ``cdk bootstrap`` takes one: the pattern of its parameter ``Qualifier``."""

INTO = Path(__file__).resolve().parents[2] / "build" / "compliance"


def main(arguments: Sequence[str] | None = None, *, known: Sequence[Environment] = ALL) -> int:
    """Write the folder of an environment; return 1 where a policy is not proved, or not written.

    Args:
        arguments: of the command line.
        known: environments to choose from.
    """
    parser = argparse.ArgumentParser(prog="python -m deploy.compliance", description=__doc__)
    parser.add_argument("--environment", required=True, metavar="NAME")
    parser.add_argument("--into", type=Path, default=INTO, help="where its folder goes")
    parser.add_argument(
        "--qualifier", default="hnb659fds", help="under which CDK is bootstrapped in its account"
    )
    words = parser.parse_args(arguments)
    environment = next((each for each in known if each.name == words.environment), None)
    if environment is None:
        names = ", ".join(each.name for each in known)
        parser.error(f"there is no environment {words.environment!r}; environments.py has {names}")
    if _QUALIFIER.fullmatch(words.qualifier) is None:
        parser.error(f"{words.qualifier!r} is no qualifier: 1 to 10 letters, digits, _ and -")
    beside = [one for one in known if one is not environment and one.account == environment.account]
    into = words.into / environment.name
    try:
        require_judges()
        files = write(environment, into, qualifier=words.qualifier, beside=beside)
    except (MissingJudgeError, PolicySizeError, ProofError) as error:
        tell(f"Nothing was written: {one_line(error)}", sys.stderr)
        return 1
    except OSError as error:
        tell(f"Not all was written: {one_line(error)}; name another folder by --into", sys.stderr)
        return 1
    left = sum(each.by == YOURS for each in record(environment))
    for file in files:
        tell(f"Wrote {one_line(file)}", sys.stdout)
    if beside:
        names = ", ".join(one.name for one in beside)
        tell(
            f"Account {environment.account} has {names} as well: both policies let these work too",
            sys.stdout,
        )
    tell(
        f"{left} entries of the record are yours; attach each policy to a unit of tests first, "
        "as docs/how-to/choose-a-profile.md says",
        sys.stdout,
    )
    return 0


def write(
    environment: Environment,
    folder: Path,
    *,
    qualifier: str,
    beside: Sequence[Environment] = (),
) -> tuple[Path, ...]:
    """Write all of it, once the policies are proved; return the files.

    Args:
        environment: of which it is.
        folder: that gets them; files of the same names are overwritten.
        qualifier: under which CDK is bootstrapped.
        beside: others of its account, which the policies bind as well.

    Raises:
        ProofError: a policy does not do what its name says; nothing was written.
        PolicySizeError: a policy is larger than AWS takes; nothing was written.
        OSError: the folder takes no files.
    """
    from deploy.compliance.policies import proved_policies  # noqa: PLC0415 - needs the judges

    entries = record(environment)
    texts = {
        f"{name}.json": f"{json.dumps(document, indent=2)}\n"
        for name, document in proved_policies([environment, *beside], qualifier=qualifier).items()
    }
    texts["processing.csv"] = record_csv(entries)
    texts["processing.md"] = record_page(
        entries, environment=environment.name, account=environment.account
    )
    if "pci" in profiles_of(environment):
        texts["pci.csv"] = matrix_csv(PCI_LINES)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return tuple(folder / name for name in sorted(texts))
