"""Keep what a release's environments publish, and its client's reader: before each tag.

``python -m tests.contract.releases`` writes the folder of the version in ``starburst.__version__``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import starburst
from starburst.contract import (
    Hosts,
    Instance,
    Limits,
    PackagesDocument,
    Rates,
    RuntimeDocument,
    Totals,
    WorkspaceDocument,
)

__all__ = ["RELEASES", "full", "full_packages", "main", "read_by"]

RELEASES: Final = Path(__file__).with_name("recorded")
_SOURCE: Final = Path(starburst.__file__).parent
_DATE: Final = (2026, 1, 1, 0, 0, 0)
_READ: Final = """
import sys
sys.path.insert(0, sys.argv[1])
from starburst.contract import RuntimeDocument
import starburst.contract as contract
text = sys.stdin.read()
refused = contract.unserved(text)
assert contract.__file__.startswith(sys.argv[1]), contract.__file__
print(refused or RuntimeDocument.from_json(text).to_json())
"""


def full() -> RuntimeDocument:
    """Return a document that says everything, and nothing as it usually is."""
    arn = "arn:aws:iam::222233334444:role/starburst-prod"
    totals = Totals(sessions=7, workers=120, vcpu=480, memory_gb=960, usd_per_day=200)
    return RuntimeDocument(
        environment="prod",
        account="222233334444",
        region="eu-west-1",
        bucket="starburst-prod-data",
        key_arn="arn:aws:kms:eu-west-1:222233334444:key/0",
        controller="arn:aws:lambda:eu-west-1:222233334444:function:starburst-prod-control:analysts",
        python="3.12",
        architecture="ARM64",
        workspaces={
            "genomics": WorkspaceDocument(
                analyst_role_arn=f"{arn}-analyst-genomics",
                task_definition="starburst-prod-genomics",
                limits=Limits(workers=40, usd_per_hour=9.5, pickle_results=False, scratch_gb=60),
                worker_role_arn=f"{arn}-worker-genomics",
                scratch_gb=40,
                totals=totals,
                packages="allowed",
                data_writers="analysts",
                home_links=True,
            ),
        },
        other_architectures=("X86_64",),
        hosts=Hosts(
            instances=(Instance(name="c7g.2xlarge", vcpu=8, memory_gb=16, usd_per_hour=0.29),),
            spot=True,
        ),
        fips=True,
        totals=totals,
        user_totals=totals,
        prices=Rates(x86_vcpu_hour=0.031),
    )


def full_packages() -> PackagesDocument:
    """Return a workspace's document that says everything."""
    return PackagesDocument(
        policy="allowed",
        allowed=("numpy>=2,<3",),
        days=7,
        image_digest=f"sha256:{'0' * 64}",
        image={"numpy": "2.3.1"},
    )


def read_by(release: Path, text: str) -> str:
    """Return what the client's reader of a recorded release makes of a document.

    That is its text as the reader would write it, or why the reader does not use it.
    """
    reader = release / "reader.zip"
    done = subprocess.run(  # noqa: S603 - this Python, and code of ours
        [sys.executable, "-I", "-S", "-c", _READ, str(reader)],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def main() -> int:
    """Write the folder of this release anew."""
    folder = RELEASES / starburst.__version__
    folder.mkdir(parents=True, exist_ok=True)
    document, packages = full(), full_packages()
    for name, value in (("runtime", document), ("packages", packages)):
        (folder / f"{name}.json").write_text(value.to_json() + "\n")
        (folder / f"{name}.read.json").write_text(_pretty(asdict(value)))
    with zipfile.ZipFile(folder / "reader.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in _reader():
            archive.writestr(
                zipfile.ZipInfo(f"starburst/{file.relative_to(_SOURCE).as_posix()}", _DATE),
                file.read_bytes(),
                zipfile.ZIP_DEFLATED,
            )
    return 0


def _reader() -> Iterator[Path]:
    yield _SOURCE / "__init__.py"
    for folder in ("contract", "untrusted"):
        yield from sorted((_SOURCE / folder).glob("*.py"))


def _pretty(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.exit(main())
