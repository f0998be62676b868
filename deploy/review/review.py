"""Everything that a reviewer should know of a change, in one list."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from deploy.changing.assembly import described
from deploy.review.base import Base, checked_out, synthesize
from deploy.review.costs import cost_between
from deploy.review.stated import read_stated, theorems_between
from deploy.review.stateful import replaced_between
from deploy.review.synthesis import waivers_of
from deploy.review.waived import waivers_between
from deploy.tools.cdk import ROOT
from deploy.tools.idle_cost import EMULATED, templates_by_environment
from starburst_assurance.proofs.command import synthesized
from starburst_assurance.proofs.comparison.against import requests_between
from starburst_assurance.proofs.comparison.report import Finding

if TYPE_CHECKING:
    import aws_cdk as cdk

    from stacks.stage import EnvironmentStage

__all__ = ["review"]


def review(revision: str, *, wanted: Sequence[str] | None = None) -> list[Finding]:
    """Return what the working tree changes since a commit; nothing where that is nothing.

    Gates are not asked, so that what they refuse can be read as well.

    Args:
        revision: hash, tag or branch.
        wanted: names of environments; all without it.

    Raises:
        ProofError: the working tree or its policies cannot be read.
        ReviewError: the commit cannot be checked out or synthesized.
    """
    with checked_out(revision) as base, tempfile.TemporaryDirectory() as folder:
        before, after, told = (Path(folder) / one for one in ("before", "after", "told.json"))
        with ThreadPoolExecutor(max_workers=1) as beside:
            waiting = beside.submit(synthesize, base, before, told=told)
            app = synthesized("app", after, wanted=wanted)
            waiting.result()
        return list(_findings(base, app, (before, after, told), wanted))


def _findings(
    base: Base, app: cdk.App, paths: tuple[Path, Path, Path], wanted: Sequence[str] | None
) -> Iterator[Finding]:
    before, after, told = paths
    yield from requests_between(app, before, after, wanted=wanted)
    old, new = _templates(before), _templates(after)
    stages = [cast("EnvironmentStage", one) for one in app.node.children if _is_stage(one)]
    for stage in stages:
        name = stage.environment.name
        if name not in old or (wanted and name not in wanted):
            continue
        stood, would = described(before, name), described(after, name)
        yield from replaced_between(stood, would, environment=name)
        if name != EMULATED:
            yield from cost_between(old[name], new[name], environment=stage.environment)
    yield from theorems_between(read_stated(base.folder), read_stated(ROOT))
    waivers = json.loads(told.read_text())["waivers"], waivers_of(app)
    for one in waivers_between(*waivers):
        if not wanted or not one.environment or one.environment in wanted:
            yield one


def _is_stage(child: object) -> bool:
    # The CDK has children of its own beside the stages, such as the metadata of the tree.
    return hasattr(child, "environment")


def _templates(assembly: Path) -> dict[str, list[Mapping[str, Any]]]:
    return {name: found for (name, _), found in templates_by_environment(assembly).items()}
