"""The layout guard, and one synthesis that every test of a template shares."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import app

if TYPE_CHECKING:
    from aws_cdk.cx_api import CloudAssembly

ROOT = Path(__file__).resolve().parents[1]

# Both are read when jsii starts, so before any test imports aws_cdk. The CDK's own validator costs
# seconds and judges nothing that these tests ask; tests/compliance runs it, as the CLI would.
app.use_bundled_node()
os.environ.setdefault("CDK_VALIDATION", "false")

Template = dict[str, Any]

# Tests that share something costly stay on one process: an emulator, a deployment, a synthesis.
_TOGETHER = {
    **{folder: folder for folder in ("e2e", "local", "deploy", "proofs", "evidence", "benchmarks")},
    **dict.fromkeys(("access", "compliance", "compute", "control", "stacks"), "templates"),
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Start one process more than there are cores: many tests wait for processes of their own."""
    return (os.cpu_count() or 1) + 1


def pytest_configure() -> None:
    """Fail before collection, because afterwards PyPI's `constructs` cannot be imported at all."""
    strays = sorted(path.name for path in (ROOT / "constructs").glob("*.py"))
    if strays:
        raise pytest.UsageError(
            f"constructs/ is a source root, not a package: move {', '.join(strays)} into "
            "constructs/starburst_constructs/ (constructs/README.md says why)"
        )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Group tests by the folder whose session fixtures they share, for runs on both cores."""
    if not config.pluginmanager.has_plugin("xdist"):
        return
    for item in items:
        folder = item.path.relative_to(ROOT / "tests").parts[0] if ROOT in item.path.parents else ""
        if folder in _TOGETHER:
            item.add_marker(pytest.mark.xdist_group(_TOGETHER[folder]))


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> CloudAssembly:
    """The synthesis of all environments, without the gate."""
    outdir = tmp_path_factory.mktemp("cdk")
    return app.build(outdir=str(outdir), validate=False).synth()


@pytest.fixture(scope="session")
def templates(assembly: CloudAssembly) -> dict[str, Template]:
    """Templates of all environments by ``<environment>/<stack>``; do not change them."""
    return {stack.hierarchical_id: stack.template for stack in assembly.stacks_recursively}
