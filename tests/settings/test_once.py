"""What an account has once in a Region has one maker there, whatever add-on and words say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from environments import DEV
from stacks.addons.guardduty import GuardDuty
from stacks.addons.inspector import Inspector
from stacks.addons.pci import Pci
from stacks.settings import Environment, Network, SettingsError, check_together
from stacks.settings.once import Holding, Owner, Single
from tests.addons.toy.addon import Toy

BELL = Single(type="AWS::Toy::Bell", called="bell")
SECOND = replace(DEV, name="second", shared=None, network=Network(cidr="10.99.0.0/20"))


@dataclass(frozen=True, kw_only=True)
class Ringer(Toy):
    """A toy with something that an account has once."""

    what: Single = BELL
    owner: Owner = "this"
    parts: tuple[str, ...] = ()

    def once(self, environment: Environment) -> Mapping[Single, Holding]:
        del environment
        return {self.what: Holding(owner=self.owner, leaving="Ringer(…)", parts=self.parts)}


@dataclass(frozen=True, kw_only=True)
class Carillon(Ringer):
    """Another add-on with the same."""

    name = "carillon"


def beside(one: Ringer, other: Ringer) -> None:
    check_together([replace(DEV, addons=(one,)), replace(SECOND, addons=(other,))])


def test_two_addons_that_call_it_otherwise_make_one_thing() -> None:
    with pytest.raises(SettingsError, match=r"Ringer\(…\): 'toy' of environment dev makes the one"):
        beside(Ringer(), Carillon(what=replace(BELL, called="chime")))
    beside(Ringer(), Carillon(what=replace(BELL, kind="small")))
    beside(Ringer(), Carillon(what=Single(type="AWS::Toy::Clock", called="bell")))
    beside(Ringer(), Carillon(owner="elsewhere"))


def test_one_environment_has_no_two_makers_either() -> None:
    with pytest.raises(SettingsError, match="makes the one bell of account 444455556666"):
        check_together([replace(DEV, addons=(Ringer(), Carillon()))])


def test_whoever_counts_on_a_neighbour_has_one_that_answers() -> None:
    borrower = Carillon(owner="neighbour", parts=("hour", "quarter"))
    for neighbour in (Ringer(what=replace(BELL, kind="small")), Ringer(owner="neighbour")):
        with pytest.raises(SettingsError, match="is 'alone'; allowed: with "):
            beside(neighbour, borrower)
    less = Ringer(parts=("hour",))
    with pytest.raises(SettingsError) as refused:
        beside(less, borrower)
    assert str(refused.value) == (
        "environment second: carillon, of bell is 'quarter'; allowed: what 'toy' of environment "
        "dev has of it as well."
    )
    beside(replace(less, parts=("quarter", "hour", "minute")), borrower)
    # Of what somebody outside has, nobody here knows the parts.
    beside(replace(less, owner="elsewhere"), borrower)


def test_in_another_region_nobody_answers() -> None:
    far = replace(SECOND, region="eu-central-1", shared=DEV.shared)
    borrower = replace(far, addons=(Carillon(owner="neighbour"),))
    with pytest.raises(SettingsError, match="carillon is 'alone'"):
        check_together([replace(DEV, addons=(Ringer(),)), borrower])
    check_together([replace(DEV, addons=(Ringer(),)), replace(far, addons=(Carillon(),))])


def test_shipped_addons_say_who_has_what() -> None:
    def owners(addon: Any, environment: Environment) -> dict[str, str]:
        return {str(what): held.owner for what, held in addon.once(environment).items()}

    assert owners(Inspector(), DEV) == {"Inspector": "this"}
    assert owners(Inspector(enables=False), DEV) == {"Inspector": "elsewhere"}
    assert owners(Inspector(), SECOND) == {"Inspector": "neighbour"}
    assert owners(GuardDuty(), DEV) == {"AWS::GuardDuty::Detector": "this"}
    known = GuardDuty(detector_id="0" * 32)
    assert owners(known, SECOND) == {"AWS::GuardDuty::Detector": "elsewhere"}
    assert owners(Pci(security_hub="standard"), DEV) == {
        "AWS::SecurityHub::Hub": "elsewhere",
        "AWS::SecurityHub::Standard of PCI DSS": "this",
    }
