"""The layout guard, and one synthesis that every test of a template shares."""

from __future__ import annotations

import fcntl
import functools
import gc
import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

import app

if TYPE_CHECKING:
    from aws_cdk.cx_api import CloudAssembly

    from starburst.local import LocalEnvironment

ROOT = Path(__file__).resolve().parents[1]

# Both are read when jsii starts, so before any test imports aws_cdk. The CDK's own validator costs
# seconds and judges nothing that these tests ask; tests/gate runs it, as the CLI would.
app.use_bundled_node()
os.environ.setdefault("CDK_VALIDATION", "false")

# Workers of the tests' local environment see this interpreter's packages, and that is known here.
os.environ.setdefault("STARBURST_LOCAL_STRICT", "0")

Template = dict[str, Any]

# Tests that share something costly stay on one process: an emulator, a deployment, a synthesis.
# What takes long is a group too: groups begin first, and short tests fill the end.
TOGETHER = {
    **{
        folder: folder
        for folder in (
            "e2e",
            "local",
            "incident",
            "tools",
            "proofs",
            "evidence",
            "benchmarks",
            "lifecycle",
        )
    },
    **dict.fromkeys(
        ("bootstrap", "compute", "gate", "monitoring", "policies", "rules", "stacks"), "templates"
    ),
    **dict.fromkeys(("test_synthesis.py", "test_linting.py"), "commands"),
    **dict.fromkeys(("test_local_strangers.py", "test_local_analysts.py"), "local"),
    "test_throw_away.py": "templates",
    "test_risks.py": "templates",
    **dict.fromkeys(("test_wheel.py", "test_installed_wheels.py"), "wheels"),
    **{
        f"test_{name}_local.py": "addons local"
        for name in (
            *("findings", "finma", "governance", "guardduty", "inspector", "jobs", "lake"),
            *("review", "toy"),
        )
    },
    # They ask one synthesis, of which each process would read templates and policies.
    **dict.fromkeys(
        (
            *(f"addons/test_{name}.py" for name in ("off", "pci", "together", "toy")),
            *("test_stack.py", "test_jobs_stack.py", "addons/access_review/test_judging.py"),
            *(f"addons/identity_governance/test_{name}.py" for name in ("events", "policy")),
            *(f"addons/log_lake/test_{name}.py" for name in ("attacks", "published", "questions")),
        ),
        "addons",
    ),
    "test_scale.py": "scale",
    **dict.fromkeys(("documents", "drill", "delivery/test_local.py"), "deployed"),
    # Half of what is proved: these ask nothing of the environments that the others of proofs share.
    **dict.fromkeys(
        (
            "proofs/test_alignment.py",
            "proofs/test_many.py",
            "proofs/test_differential.py",
            "proofs/test_reads.py",
            "proofs/test_relations.py",
            "proofs/test_secrets.py",
            "proofs/test_semantics.py",
            "proofs/test_variants.py",
        ),
        "proofs of others",
    ),
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Start two processes more than there are cores: many tests wait for processes of their own."""
    return (os.cpu_count() or 1) + 2


def group_of(nodeid: str) -> str:
    """Return what runs on one process with a test; its own name where it needs no company."""
    file = nodeid.partition("::")[0]
    _, folder, *rest = file.split("/")
    names = ("/".join((folder, *rest)), *rest, folder)
    alone = file if _shares(file) else nodeid
    return next((TOGETHER[name] for name in names if name in TOGETHER), alone)


@functools.cache
def _shares(file: str) -> bool:
    """Whether the tests of a file share what would be made anew on each process."""
    return 'scope="module"' in (ROOT / file).read_text()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep groups on one process. xdist's own marks for that are lost on pytest 9.2."""
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415 - only where it is installed

    class Grouped(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return Grouped(config, log)


def pytest_configure() -> None:
    """Fail before collection, because afterwards PyPI's `constructs` cannot be imported at all."""
    os.environ.pop("COLUMNS", None)  # xdist's; a pipe has no width
    # A script's background jobs begin deaf to Ctrl-C, and so would what some tests interrupt.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Hypothesis fails an example that takes 200 ms, which says more of the machine than of us.
    settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("tests")
    # What collection imports stays: to look through it for rubbish, again and again, costs seconds.
    gc.disable()
    misplaced = sorted(path.name for path in (ROOT / "constructs").glob("*.py"))
    if misplaced:
        raise pytest.UsageError(
            f"constructs/ is a source root, not a package: move {', '.join(misplaced)} into "
            "constructs/starburst_constructs/ (constructs/README.md says why)"
        )


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Look for rubbish from here on, and only in what the tests make."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def proved_here(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What the gate proves in one run of the tests counts in that run alone, and in all of it.

    Whoever comes second to an environment gets the first one's answer, by the gate's own key.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    os.environ["XDG_STATE_HOME"] = str(shared / "state")


@pytest.fixture(scope="session")
def synthesis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all environments are synthesized to, without the gate; one process does it for all."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    outdir = shared / "cdk"
    with (shared / "cdk.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (outdir / "manifest.json").exists():
            app.build(outdir=str(outdir), validate=False).synth()
    return outdir


@pytest.fixture(scope="session")
def assembly(synthesis: Path) -> CloudAssembly:
    """What was synthesized, as the CDK reads it."""
    from aws_cdk.cx_api import CloudAssembly  # noqa: PLC0415 - Node was chosen above

    return CloudAssembly(str(synthesis))


@pytest.fixture(scope="session")
def templates(synthesis: Path) -> dict[str, Template]:
    """Templates of all environments by ``<environment>/<stack>``; do not change them."""
    return {
        stack["displayName"]: json.loads((manifest.parent / properties["templateFile"]).read_text())
        for manifest in sorted(synthesis.glob("assembly-*/manifest.json"))
        for stack in json.loads(manifest.read_text())["artifacts"].values()
        if stack["type"] == "aws:cloudformation:stack"
        for properties in [stack["properties"]]
    }


@pytest.fixture(scope="session")
def deployed() -> Iterator[LocalEnvironment]:
    """The local environment as the wheel's templates make it, for all who do not change it."""
    from starburst.local import LocalEnvironment  # noqa: PLC0415 - slow to import
    from starburst.local.deploy_templates import deploy_templates  # noqa: PLC0415

    with LocalEnvironment() as local:
        deploy_templates(local)
        yield local
