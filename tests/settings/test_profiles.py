"""Each rule of each profile refuses what contradicts it in one sentence, and lets the rest pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, cast, get_args

import botocore.session
import pytest

from environments import ALL, PROD
from stacks.addons.pci import Pci
from stacks.risks import risks
from stacks.settings import (
    AcceptedRisk,
    Activity,
    Addon,
    Audit,
    Environment,
    IdentityCenter,
    MfaUsers,
    Network,
    Processing,
    ProfileName,
    Rates,
    SettingsError,
    Storage,
    WorkspaceGroups,
    check_together,
)
from stacks.settings.profiles import PROFILES
from stacks.settings.profiles.places import EEA_REGIONS, SWISS_REGIONS
from tests.some import some

if TYPE_CHECKING:
    import aws_cdk as cdk


@dataclass(frozen=True, kw_only=True)
class Named(Addon):
    """Stands for an add-on of which a rule knows the name alone."""

    name: ClassVar[str] = "finma"
    summary: ClassVar[str] = ""
    page: ClassVar[str] = ""

    def build(self, stage: cdk.Stage) -> None:
        """Add nothing."""
        del stage


ASKED = AcceptedRisk(
    risk="second-factor-elsewhere", reason="The company's directory asks always; M. Roe."
)
ABROAD = AcceptedRisk(
    risk="data-outside-switzerland", reason="The cohort's consent names Ireland; M. Roe."
)
PCI = replace(PROD, profile="pci", addons=(Pci(detector="elsewhere"),), accepted_risks=(ASKED,))
ZURICH = replace(
    PROD,
    region="eu-central-2",
    allowed_regions=("eu-central-2",),
    prices=Rates(x86_vcpu_hour=0.05, x86_gb_hour=0.005, scratch_gb_hour=0.00013),
    workspaces=tuple(
        replace(each, monthly_budget_usd=None, budget_emails=()) for each in PROD.workspaces
    ),
)
FINMA = replace(ZURICH, profile="finma", addons=(Named(),))
GDPR = replace(
    PROD,
    profile="gdpr",
    workspaces=tuple(replace(each, data_days=365, home_days=90) for each in PROD.workspaces),
)
GOOD: Mapping[ProfileName, Environment] = {"pci": PCI, "finma": FINMA, "gdpr": GDPR}

CENTER = IdentityCenter(
    instance_arn="arn:aws:sso:::instance/ssoins-0123456789abcdef",
    account="999900001111",
    region="us-east-1",
    groups=tuple(
        WorkspaceGroups(workspace=each.name, analysts=f"{'a' * 8}-1111-1111-1111-{'c' * 12}")
        for each in PROD.workspaces
    ),
)
TEST: dict[str, Any] = {"data_class": "internal"}
NAT = {"network": replace(PROD.network, egress="nat")}
UNREAD = {"audit": Audit(data_events=False)}

BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "pci-pack": ({"packs": ("AwsSolutions",)}, "packs is ('AwsSolutions',); allowed: also 'PCI."),
    "pci-data-class": (TEST, "data_class is 'internal'; allowed: 'restricted', in production"),
    "pci-no-way-out": (NAT, "network.egress is 'nat'; allowed: 'isolated'"),
    "pci-prints-sealed": (
        {"task_output": "session and cloudwatch"},
        "task_output is 'session and cloudwatch'; allowed: 'session'",
    ),
    "pci-second-factor": (
        {"accepted_risks": ()},
        "identity is 'SamlProvider'; allowed: MfaUsers, or AcceptedRisk(risk='second-factor-",
    ),
    "pci-reads-recorded": (UNREAD, "audit.data_events is False; allowed: True"),
    "pci-alarms-told": ({"security_emails": ()}, "security_emails is (); allowed: addresses"),
    "pci-logs-a-year": (
        {"log_retention_days": 180},
        "log_retention_days is 180; allowed: 365 or more",
    ),
    "pci-addon": ({"addons": ()}, "addons is (); allowed: also Pci(…) of stacks.addons.pci"),
    "finma-data-class": (TEST, "data_class is 'internal'; allowed: 'restricted', in production"),
    "finma-region": (
        {"region": "eu-west-1", "allowed_regions": ("eu-west-1", "eu-central-2")},
        "allowed_regions is 'eu-west-1'; allowed: eu-central-2, or others with AcceptedRisk(risk=",
    ),
    "finma-no-way-out": (NAT, "network.egress is 'nat'; allowed: 'isolated'"),
    "finma-reads-recorded": (UNREAD, "audit.data_events is False; allowed: True"),
    "finma-alarms-told": ({"security_emails": ()}, "security_emails is (); allowed: addresses"),
    "finma-addon": ({"addons": ()}, "addons is (); allowed: also the add-on 'finma'"),
    "gdpr-regions": (
        {"region": "eu-west-2", "allowed_regions": ("eu-west-1", "eu-west-2")},
        "allowed_regions is 'eu-west-2'; allowed: eu-central-1, eu-north-1, eu-south-1,",
    ),
    "gdpr-directory": ({"identity": CENTER}, "identity.region is 'us-east-1'; allowed: eu-cent"),
    "gdpr-data-class": ({"data_class": "public"}, "data_class is 'public'; allowed: 'internal'"),
    "gdpr-ends": (
        {"workspaces": (replace(GDPR.workspaces[0], home_days=None), GDPR.workspaces[1])},
        "workspace genomics: home_days is None; allowed: a number of days",
    ),
    "gdpr-reads-recorded": (UNREAD, "audit.data_events is False; allowed: True"),
    "gdpr-alarms-told": ({"security_emails": ()}, "security_emails is (); allowed: addresses"),
}


def of(name: ProfileName) -> Callable[..., Environment]:
    return partial(replace, GOOD[name])


def record(**changes: Any) -> Processing:
    said: dict[str, Any] = {"controller": "Example Trust", "contact": "privacy@example.org"}
    return Processing(**{**said, **changes})


def activity(**changes: Any) -> Activity:
    said: dict[str, Any] = {
        "workspace": "genomics",
        "purpose": "Which variants go with early disease.",
        "subjects": ("patients of the study",),
        "data": ("genotypes",),
    }
    return Activity(**{**said, **changes})


def beside(**changes: Any) -> Environment:
    apart = Network(cidr="10.99.0.0/20", zones=3)
    said = {"name": "second", "network": apart, "shared": None, "profile": None, "addons": ()}
    return replace(PCI, **{**said, "accepted_risks": (), **changes})


def neighbour(**changes: Any) -> None:
    check_together([PCI, beside(**changes)])


LIKE_IT: dict[str, Any] = {
    "profile": "pci",
    "accepted_risks": (ASKED,),
    "addons": (Pci(detector="elsewhere"),),
}
TRIALS = activity(workspace="trials")
REFUSALS: dict[str, tuple[Callable[..., object], dict[str, Any], str]] = {
    **{
        rule: (of(cast(ProfileName, rule.partition("-")[0])), changes, said)
        for rule, (changes, said) in BROKEN.items()
    },
    "a profile that is none": (
        of("pci"),
        {"profile": "soc2"},
        "profile is 'soc2'; allowed: finma, gdpr, pci.",
    ),
    "a profile that is a number": (
        of("pci"),
        {"profile": 5},
        "profile is 5; allowed: a name, a tuple of names, or None.",
    ),
    "a profile twice": (of("pci"), {"profile": ("pci", "pci")}, "profile is 'pci'; allowed: each"),
    "two neighbours of which one has no profile": (
        neighbour,
        {},
        "environment second: account is '222233334444'; allowed: another account than "
        "222233334444: environment prod has profile 'pci'",
    ),
    "two makers of Security Hub": (
        neighbour,
        LIKE_IT,
        "environment second: addons is 'pci'; allowed: Pci(security_hub='standard'): 'pci' of "
        "environment prod makes the one AWS::SecurityHub::Hub of account 222233334444 in "
        "eu-west-1.",
    ),
    "two makers of its standard": (
        neighbour,
        {**LIKE_IT, "addons": (Pci(detector="elsewhere", security_hub="standard"),)},
        "allowed: Pci(security_hub='elsewhere'): 'pci' of environment prod makes the one",
    ),
    "a record of a workspace that is not there": (
        of("gdpr"),
        {"processing": record(activities=(TRIALS,))},
        "processing.activities is 'trials'; allowed: genomics, markets.",
    ),
    "two records of a workspace": (record, {"activities": (TRIALS, TRIALS)}, "allowed: each value"),
    "activities that are none": (record, {"activities": ("study",)}, "processing.activities is"),
    "a controller without a name": (record, {"controller": " "}, "processing.controller is ' '"),
    "a purpose that says nothing": (activity, {"purpose": ""}, "genomics: purpose is ''"),
    "nobody whose data they are": (activity, {"subjects": ()}, "number of subjects is 0"),
    "a category twice": (activity, {"data": ("a", "a")}, "genomics: data is 'a'; allowed: each"),
    "a category on two lines": (activity, {"data": ("one\ntwo",)}, "characters on one line"),
    "a purpose in several": (activity, {"subjects": "people"}, "subjects is 'people'; allowed: a"),
}

ENDINGS: dict[str, dict[str, Any]] = {
    "finma-region": {"accepted_risks": (ABROAD,)},
    "pci-second-factor": {"identity": MfaUsers(account=PROD.account)},
    "gdpr-directory": {"identity": replace(CENTER, region="eu-central-1")},
}
"""Another way to end a refusal than to take the change back."""


def test_every_rule_is_tried_here() -> None:
    rules = {rule.name: name for name, each in PROFILES.items() for rule in each.rules}
    assert rules.keys() == BROKEN.keys()
    assert all(rule.startswith(f"{name}-") for rule, name in rules.items())
    assert set(GOOD) == set(get_args(ProfileName))


@pytest.mark.parametrize("name", GOOD)
def test_settings_that_keep_a_profile_pass(name: ProfileName) -> None:
    environment = GOOD[name]
    assert environment.profile == name
    assert not [each for each in risks(environment) if each.name in ("way-out", "public")]


@pytest.mark.parametrize(("build", "changes", "said"), REFUSALS.values(), ids=REFUSALS)
def test_it_is_refused(build: Callable[..., object], changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        build(**changes)
    assert said in str(refused.value)


@pytest.mark.parametrize("rule", BROKEN)
def test_what_contradicts_a_rule_is_refused_in_one_sentence(rule: str) -> None:
    changes, said = BROKEN[rule]
    name: Any = rule.partition("-")[0]
    [asked] = [each for each in PROFILES[name].rules if each.name == rule]
    with pytest.raises(SettingsError) as refused:
        replace(GOOD[name], **changes)
    text = str(refused.value)
    assert f"environment prod: {said}" in text
    assert f"with profile '{name}', for {asked.why} ({asked.asked_by})." in text
    assert text.count(". ") == 0


@pytest.mark.parametrize("rule", ENDINGS)
def test_a_refusal_ends_as_its_sentence_says(rule: str) -> None:
    name: Any = rule.partition("-")[0]
    environment = replace(GOOD[name], **{**BROKEN[rule][0], **ENDINGS[rule]})
    assert environment.profile == name


@pytest.mark.parametrize("rule", BROKEN)
def test_without_a_profile_no_rule_of_it_speaks(rule: str) -> None:
    name: Any = rule.partition("-")[0]
    refused = ""
    try:
        replace(GOOD[name], profile=None, **BROKEN[rule][0])
    except SettingsError as error:
        refused = str(error)
    assert "profile" not in refused


def test_of_several_all_rules_hold() -> None:
    both = replace(PCI, profile=("pci", "gdpr"), workspaces=GDPR.workspaces)
    assert both.profile == ("pci", "gdpr")
    with pytest.raises(SettingsError, match="home_days"):
        replace(PCI, profile=("pci", "gdpr"))
    with pytest.raises(SettingsError, match="eu-central-2'; allowed: eu-central-1"):
        replace(FINMA, profile=("finma", "gdpr"))
    abroad = replace(GDPR, profile=("finma", "gdpr"), addons=(Named(),), accepted_risks=(ABROAD,))
    assert abroad.profile


def test_what_a_profile_lets_pass_is_a_risk_with_its_reason() -> None:
    abroad = replace(
        FINMA, region="eu-west-1", allowed_regions=("eu-west-1",), accepted_risks=(ABROAD,)
    )
    told = {each.name: each.accepted for each in (*risks(PCI), *risks(abroad))}
    assert told["second-factor-elsewhere"] == ASKED.reason
    assert told["data-outside-switzerland"] == ABROAD.reason
    with pytest.raises(SettingsError, match="accepted_risks is 'data-outside-switzerland'"):
        risks(replace(FINMA, accepted_risks=(ABROAD,)))
    mfa = replace(PCI, identity=MfaUsers(account=PROD.account))
    with pytest.raises(SettingsError, match="accepted_risks is 'second-factor-elsewhere'"):
        risks(mfa)


def test_an_account_of_pci_has_no_neighbour_without_it() -> None:
    with pytest.raises(SettingsError, match="environment second: account is"):
        check_together([beside(), PCI])


def test_in_another_region_of_the_account_it_is_a_neighbour_as_well() -> None:
    elsewhere = beside(region="eu-central-1", shared=PROD.shared)
    with pytest.raises(SettingsError, match="environment second: account is"):
        check_together([PCI, elsewhere])


def test_with_the_profile_or_in_another_account_it_may_stand_there() -> None:
    same = beside(
        profile="pci",
        accepted_risks=(ASKED,),
        addons=(Pci(detector="elsewhere", security_hub="elsewhere"),),
    )
    check_together([PCI, same])
    check_together([PCI, *(each for each in ALL if each.account != PCI.account)])


def test_each_region_has_a_maker_of_its_own() -> None:
    neighbour(**LIKE_IT, region="eu-central-1", shared=PROD.shared)


def test_regions_of_the_area_are_those_that_aws_calls_europe_but_two() -> None:
    """Its names are botocore's; which state a city is in is known without it."""
    data = botocore.session.get_session().get_component("data_loader").load_data("endpoints")
    [aws] = [each for each in data["partitions"] if each["partition"] == "aws"]
    called = {name: each["description"] for name, each in aws["regions"].items()}
    europe = {name for name, words in some(called.items()) if words.startswith("Europe (")}
    outside = {name for name in europe if called[name] in ("Europe (London)", "Europe (Zurich)")}
    assert len(outside) == len(("London", "Zurich"))
    assert europe - outside == set(EEA_REGIONS)
    assert [called[name] for name in SWISS_REGIONS] == ["Europe (Zurich)"]


def test_a_record_of_workspaces_that_are_there_is_taken() -> None:
    kept = record(activities=(activity(),))
    assert replace(PROD, processing=kept).processing == kept


@pytest.mark.parametrize("name", GOOD)
def test_somebody_elses_trail_needs_its_reason(name: ProfileName) -> None:
    """Without one, nothing says that anybody records who read what."""
    theirs = {"audit": Audit(trail=False)}
    with pytest.raises(SettingsError, match=r"audit.trail is False; allowed: True, or AcceptedRi"):
        replace(GOOD[name], **theirs)
    reason = "The organization's trail has all data events; M. Roe."
    taken = (*GOOD[name].accepted_risks, AcceptedRisk(risk="record-of-others", reason=reason))
    environment = replace(GOOD[name], **theirs, accepted_risks=taken)
    assert reason in [each.accepted for each in risks(environment)]
    internal = {"data_class": "internal", "profile": "gdpr", "workspaces": GDPR.workspaces}
    if name == "gdpr":
        assert reason in [each.accepted for each in risks(replace(environment, **internal))]


def test_logs_of_each_kind_are_held_to_a_year() -> None:
    for changes in ({"audit": Audit(log_days=30)}, {"storage": Storage(access_log_days=30)}):
        with pytest.raises(SettingsError, match=r"is 30; allowed: 365 or more with profile 'pci'"):
            replace(PCI, **changes)
