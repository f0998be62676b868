"""Run by the code of another commit, whose folder is the current one: synthesize, and tell waivers.

It imports nothing but what every release has had; what a release cannot tell stays untold.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import aws_cdk as cdk

__all__ = ["main", "waivers_of"]


def main(into: str, told: str) -> None:
    """Write the assembly, and the waivers of each environment.

    Args:
        into: folder of the assembly.
        told: file that is written for the comparison.
    """
    import app  # noqa: PLC0415 - of the other commit

    here = Path(os.getcwd()).resolve()
    if not Path(str(app.__file__)).resolve().is_relative_to(here):
        raise SystemExit(f"app.py came from {app.__file__}, not from {here}")
    built = app.build(outdir=into, validate=False)
    built.synth()
    Path(told).write_text(json.dumps({"waivers": waivers_of(built)}))


def waivers_of(built: cdk.App) -> dict[str, list[list[str]]] | None:
    """Return each environment's waivers, one row for a rule at a resource; None if unknown.

    Args:
        built: the app.
    """
    try:
        from stacks.waivers import waivers  # noqa: PLC0415

        return {
            environment.name: [
                [rule, resource, one.reason, one.owner, str(one.expires)]
                for one in waivers(environment, addons=getattr(stage, "addons", ()))
                for rule in one.rules
                for resource in one.resources
            ]
            for stage in built.node.children
            if (environment := getattr(stage, "environment", None)) is not None
        }
    except Exception:
        return None


if __name__ == "__main__":
    # Python put this file's folder first, which is the working tree's.
    sys.path[0] = os.getcwd()
    main(sys.argv[1], sys.argv[2])
