"""Two environments of one account, with the same workspaces, share nothing by mistake."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

import app
from deploy.changing.assembly import described
from deploy.changing.changes import changes, imports
from deploy.changing.stops import stops
from environments import DEV
from stacks.settings import Environment, Network, Shared
from starburst.contract import COST_TAG
from starburst_assurance.templates.schemas import (
    create_only,
    identifier,
    of_the_account,
    values_at,
)
from tests.some import some
from tests.variants import VARIANTS

Templates = Mapping[str, Mapping[str, Any]]

_SPOT = next(one for one in VARIANTS if one.capacity is not None and one.capacity.spot)
ALPHA = replace(_SPOT, name="alpha", freeze_at_budget=True, shared=Shared(block_public_access=True))
"""With much that has a name: instances, budgets that freeze, a trail, alarms, rules, parameters."""

BRAVO = replace(ALPHA, name="bravo", shared=None, network=Network(cidr="10.99.0.0/20"))
HEIR = replace(BRAVO, shared=ALPHA.shared)
LEFT = replace(ALPHA, shared=None)

WITHIN: Final = {"AWS::EC2::VPCEndpoint": "VpcId", "AWS::Lambda::Alias": "FunctionName"}
"""What has its name within something else, and the property that says in what."""

ACCOUNT_WIDE: Final = {
    "AWS::EC2::VPCBlockPublicAccessOptions",
    "AWS::ECR::RegistryScanningConfiguration",
}


def synthesized(folder: Path, *environments: Environment) -> dict[str, Templates]:
    app.build(environments, outdir=str(folder), validate=False).synth()
    return {one.name: described(folder, one.name) for one in environments}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Templates]:
    return synthesized(tmp_path_factory.mktemp("both"), ALPHA, BRAVO)


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Templates]:
    """The same, where what the account has once is left to the other."""
    return synthesized(tmp_path_factory.mktemp("moved"), HEIR, LEFT)


def named(templates: Templates) -> Iterator[tuple[str, str]]:
    """Yield what an environment names in the account, whatever gives names: kind and name."""
    for stack, template in templates.items():
        yield "stack", stack
        for output in template.get("Outputs", {}).values():
            if "Export" in output:
                yield "export", str(output["Export"]["Name"])
        for resource in template["Resources"].values():
            kind, properties = resource["Type"], resource.get("Properties", {})
            if of_the_account(kind):
                yield kind, "the account's"
            if kind == "AWS::Logs::MetricFilter":
                for one in properties["MetricTransformations"]:
                    yield "metric", f"{one['MetricNamespace']} {one['MetricName']}"
            parent = properties.get(WITHIN.get(kind, ""))
            if isinstance(parent, Mapping):
                assert not is_fixed(parent)
                continue
            pointers = {*(create_only(kind) or ()), *filter(None, [identifier(kind)])}
            for pointer in pointers:
                if pointer[-1].endswith(("Name", "Family")) or pointer[-1] == "Name":
                    for value in filter(is_fixed, values_at(properties, pointer)):
                        yield kind, json.dumps(value, sort_keys=True)


def is_fixed(value: object) -> bool:
    """Whether a value is the same wherever in the account and Region it stands."""
    if isinstance(value, Mapping):
        return not {"Fn::GetAtt", "Fn::ImportValue"} & value.keys() and all(
            (key != "Ref" or str(inner).startswith("AWS::")) and is_fixed(inner)
            for key, inner in value.items()
        )
    return all(map(is_fixed, value)) if isinstance(value, list) else True


def twice(environments: Iterable[Templates]) -> set[tuple[str, str]]:
    """Return what two environments name the same."""
    owners: dict[tuple[str, str], set[int]] = defaultdict(set)
    for number, templates in enumerate(environments):
        for one in named(templates):
            owners[one].add(number)
    return {one for one, who in owners.items() if len(who) > 1}


def test_no_name_and_no_setting_of_the_account_stands_twice(both: dict[str, Templates]) -> None:
    assert not twice(both.values())
    found = some({kind for kind, _ in named(both["alpha"])})
    assert len(found) > 15
    assert {kind for kind in found if of_the_account(kind)} == ACCOUNT_WIDE


def test_the_search_finds_both(both: dict[str, Templates], moved: dict[str, Templates]) -> None:
    """The control: beside itself it has each name twice, and beside an owner each setting."""
    assert twice([both["alpha"], both["alpha"]]) == set(named(both["alpha"]))
    owners = twice([both["alpha"], moved["bravo"]])
    assert {kind for kind, _ in owners} == ACCOUNT_WIDE


def test_neither_refers_to_the_other(both: dict[str, Templates]) -> None:
    """So that either may be destroyed first: the other's templates need nothing of it."""
    for one, other in (("alpha", "bravo"), ("bravo", "alpha")):
        text = json.dumps(both[one])
        assert f"starburst-{other}" not in text
        assert f"/{other}/" not in text
        exported = {name for kind, name in named(both[one]) if kind == "export"}
        assert set().union(*map(imports, both[one].values())) <= exported


def test_what_the_account_has_once_outlives_its_owner(both: dict[str, Templates]) -> None:
    kept = [
        (resource["Type"], resource["DeletionPolicy"], resource["UpdateReplacePolicy"])
        for template in both["alpha"].values()
        for resource in template["Resources"].values()
        if of_the_account(resource["Type"])
    ]
    assert sorted(kept) == [(kind, "Retain", "Retain") for kind in sorted(ACCOUNT_WIDE)]


def test_it_moves_to_another_owner_in_either_order(
    both: dict[str, Templates], moved: dict[str, Templates]
) -> None:
    """Whichever deploys first: nothing stops, and all that changes is whose it is."""
    for name, word in (("alpha", "removes"), ("bravo", "adds")):
        before, after = both[name], moved[name]
        assert not stops(before, after, prefix=f"starburst-{name}-", known=after)
        found = changes(before, after)
        assert {(one.kind, one.word) for one in found} == {(kind, word) for kind in ACCOUNT_WIDE}


def test_each_environment_counts_its_own_money(both: dict[str, Templates]) -> None:
    filters, booked = (
        {
            name: [
                value
                for template in templates.values()
                for resource in template["Resources"].values()
                if resource["Type"] == kind
                for value in of(resource["Properties"])
            ]
            for name, templates in both.items()
        }
        for kind, of in (
            ("AWS::Budgets::Budget", lambda one: one["Budget"]["CostFilters"]["TagKeyValue"]),
            (
                "AWS::ECS::TaskDefinition",
                lambda one: [tag["Value"] for tag in one["Tags"] if tag["Key"] == COST_TAG],
            ),
        )
    )
    names = [workspace.name for workspace in DEV.workspaces]
    assert booked == {name: [f"{name}/{one}" for one in names] for name in ("alpha", "bravo")}
    assert filters == {
        name: [f"user:starburst-cost${value}" for value in values]
        for name, values in booked.items()
    }
