"""The CDK app: one stage per environment, each judged before it can be deployed.

Synthesize and judge everything, without an account::

    python app.py

or let the CDK CLI do it: ``cdk synth -c environments=dev,prod``, ``cdk deploy 'dev/*'``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from starburst_assurance.bundled_node import use_bundled_node
from starburst_assurance.dependencies import MissingJudgeError, require_judges

if TYPE_CHECKING:
    import aws_cdk as cdk

    from stacks.settings import Environment
    from starburst_assurance.gate.emergency import Overridden
    from starburst_assurance.gate.table import OpenFinding

__all__ = ["build", "main", "refuse_other_cli", "use_bundled_node"]

HERE = Path(__file__).resolve().parent
OUTPUT = "cdk.out"


def refuse_other_cli() -> str | None:
    """Return why the CDK CLI that runs this app must not: it is not the one that is pinned.

    npm's newest number, 3.0.0, is an older build that fails later with a riddle.
    """
    running = os.environ.get("CDK_CLI_VERSION")
    if running is None:
        return None
    pinned = json.loads((HERE / "package.json").read_text())["devDependencies"]["aws-cdk"]
    if running.partition(" ")[0] == pinned:
        return None
    return (
        f"This is CDK CLI {running}; package.json pins {pinned}, with which the app is tested. "
        "Run `make setup`, activate .venv, and use `npx cdk`"
    )


def build(
    environments: Sequence[Environment] | None = None,
    *,
    outdir: str | None = None,
    validate: bool = True,
    prove: bool = True,
    overridden: Sequence[Overridden] = (),
) -> cdk.App:
    """Return the app with a stage for each environment.

    Args:
        environments: those to build; ``environments.ALL`` without it, of which the context
            ``-c environments=dev,prod`` selects some.
        outdir: where synthesis writes; the CDK CLI's choice or a temporary directory without it.
        validate: judge the synthesis with our rules and the environments' packs, minus waivers,
            and prove the theorems.
        prove: whoever proves the theorems by themselves leaves them out of that.
        overridden: what an emergency lets pass; each stack of such an environment records it.

    Raises:
        ConfigurationError: what is said of an environment is longer than AWS stores.
        MissingJudgeError: something that judges is not installed.
        SettingsError: the settings contradict each other, or the context names no environment.
        WaiverError: a waiver is expired or malformed.
        WildcardError: a declared wildcard says too little.
    """
    if validate:
        require_judges()
    use_bundled_node()
    import aws_cdk as cdk  # noqa: PLC0415 - Node is chosen above, before jsii starts it

    from environments import ALL  # noqa: PLC0415
    from stacks.settings import check_together  # noqa: PLC0415
    from stacks.stage import EnvironmentStage  # noqa: PLC0415
    from stacks.waivers import waivers  # noqa: PLC0415
    from starburst_assurance.gate.gate import GatedStage, install_gates  # noqa: PLC0415
    from starburst_assurance.gate.theorems import TheoremGate  # noqa: PLC0415
    from starburst_constructs.emergency_record import record_emergency  # noqa: PLC0415

    # Plain Python and pytest do not read cdk.json. They come last, so that no --context and no
    # file in a home directory turns a check of the CDK's own off.
    flags = json.loads((HERE / "cdk.json").read_text())["context"]
    app = cdk.App(outdir=outdir, post_cli_context=flags)
    # Beside all that there are, also those that are not synthesized now: they are deployed.
    check_together(ALL if environments is None else environments)
    chosen = _select(ALL, app.node.try_get_context("environments"))
    if environments is not None:
        chosen = tuple(environments)
    stages = [EnvironmentStage(app, environment) for environment in chosen]
    passing = {each.environment: each for each in overridden}
    for stage in stages:
        if (passed := passing.get(stage.environment.name)) is not None:
            said = passed.emergency
            record_emergency(
                stage,
                environment=passed.environment,
                who=said.who,
                why=said.why,
                when=said.when,
                unproved=passed.rules,
            )
    if validate:
        gated = [
            GatedStage(
                stage=stage,
                packs=stage.environment.packs,
                waivers=waivers(stage.environment, addons=stage.addons),
            )
            for stage in stages
        ]
        rules = {each.environment: each.rules for each in overridden}
        theorems = TheoremGate(app, stages=gated, overridden=rules) if prove else None
        install_gates(app, stages=gated, theorems=theorems)
    return app


def _select(known: Sequence[Environment], names: str | None) -> tuple[Environment, ...]:
    """Return the environments that the context names: all of them where it names none."""
    from stacks.settings import SettingsError  # noqa: PLC0415 - as in build

    if not names:
        return tuple(known)
    by_name = {environment.name: environment for environment in known}
    wanted = [name.strip() for name in names.split(",")]
    for name in wanted:
        if name not in by_name:
            raise SettingsError("context environments", name, ", ".join(sorted(by_name)))
    return tuple(by_name[name] for name in dict.fromkeys(wanted))


def main() -> int:
    """Synthesize every selected environment; return 1 where settings or the gate refuse one."""
    use_bundled_node()
    # The CDK reads it as a wish to leave its own validator out.
    os.environ.pop("CDK_VALIDATION", None)
    from stacks.settings import SettingsError  # noqa: PLC0415 - as in build
    from starburst.errors import ConfigurationError  # noqa: PLC0415
    from starburst_assurance.gate.emergency import EmergencyError  # noqa: PLC0415
    from starburst_assurance.waivers import WaiverError  # noqa: PLC0415
    from starburst_constructs.policies.wildcards import WildcardError  # noqa: PLC0415

    wrong = refuse_other_cli()
    if wrong:
        sys.stderr.write(f"{wrong}\n")
        return 1
    try:
        return _synthesize(None if "CDK_OUTDIR" in os.environ else str(HERE / OUTPUT))
    except (
        ConfigurationError,
        EmergencyError,
        MissingJudgeError,
        SettingsError,
        WaiverError,
        WildcardError,
    ) as error:
        # Its sentence says everything; a traceback would bury it.
        sys.stderr.write(f"{error}\n")
        return 1


def _synthesize(outdir: str | None) -> int:
    """Synthesize and judge; in an emergency twice, since what is not proved must be known first."""
    from starburst_assurance.gate.emergency import Emergency, overridden  # noqa: PLC0415
    from starburst_assurance.gate.table import warnings  # noqa: PLC0415

    require_judges()
    emergency = Emergency.declared(os.environ)
    assembly, found = _judged(build(outdir=outdir))
    if emergency is not None:
        _refuse(assembly, found)
        passed = overridden(emergency, found)
        assembly, found = _judged(build(outdir=outdir, overridden=passed))
        sys.stderr.writelines(f"{line}\n" for each in passed for line in each.lines)
    if found:
        return _refuse(assembly, found)
    if outdir is None:
        # The CLI shows those of stacks that are selected; a bare `cdk synth` selects none.
        sys.stderr.writelines(f"Warning: {each}.\n" for each in warnings(assembly))
    else:
        sys.stdout.write(f"Synthesized to {assembly}\n")
    return 0


def _judged(app: cdk.App) -> tuple[Path, list[OpenFinding]]:
    """Return where an app was synthesized to, and what its judges found."""
    from starburst_assurance.gate.table import OpenFinding, open_findings  # noqa: PLC0415

    wrong = ""
    try:
        app.synth()
    except RuntimeError as error:
        # jsii's traceback says nothing; the table does.
        wrong = str(error).splitlines()[0]
        sys.stderr.write(f"{wrong}\n")
    found = open_findings(Path(app.outdir))
    if wrong and not found:
        found = [OpenFinding(resource="the app", rule="synthesis", wrong=wrong, fix="See above.")]
    return Path(app.outdir), found


def _refuse(assembly: Path, found: Sequence[OpenFinding]) -> int:
    """Print the findings, and leave nothing that ``cdk deploy --app cdk.out`` would take."""
    from starburst_assurance.gate.table import requests, table  # noqa: PLC0415 - as in build

    if found:
        sys.stderr.write(f"{table(found)}\n{requests(found)}")
        sys.stderr.write(f"\n{len(found)} findings without a waiver\n")
    (assembly / "manifest.json").unlink(missing_ok=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
