"""The data key is rotated on demand as often as KMS allows, and never while it is at it (A4)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from deploy.credentials.rotate import main
from starburst_assurance.proofs.encoding.vocabulary import complaints
from starburst_assurance.proofs.reading.policies import Policy
from tests.incident.environments import DOCUMENT, Parameters

PROD = ["--environment", "prod"]


@dataclass
class Kms:
    """KMS, as far as rotations go."""

    rotations: list[str] = field(default_factory=list)
    under_way: bool = False
    asked: list[str] = field(default_factory=list)

    def get_paginator(self, name: str) -> Kms:
        assert name == "list_key_rotations"
        return self

    def paginate(self, *, KeyId: str) -> list[dict[str, Any]]:
        assert KeyId == DOCUMENT.key_arn
        return [{"Rotations": [{"RotationType": kind} for kind in self.rotations]}]

    def get_key_rotation_status(self, *, KeyId: str) -> dict[str, Any]:
        assert KeyId == DOCUMENT.key_arn
        return {"OnDemandRotationStartDate": "now"} if self.under_way else {}

    def rotate_key_on_demand(self, *, KeyId: str) -> dict[str, Any]:
        self.asked.append(KeyId)
        return {"KeyId": KeyId}


def run(kms: Kms, *words: str) -> int:
    made: dict[str, Any] = {"kms": kms, "ssm": Parameters()}
    return main([*PROD, *words], clients=made.__getitem__)


def test_it_is_shown_first(capsys: pytest.CaptureFixture[str]) -> None:
    kms = Kms(rotations=["AUTOMATIC", "ON_DEMAND"])
    assert run(kms) == 0
    assert kms.asked == []
    assert "rotated on demand 1 times, of 25" in capsys.readouterr().out


def test_the_data_key_is_rotated_and_no_other() -> None:
    kms = Kms()
    assert run(kms, "--apply") == 0
    assert kms.asked == [DOCUMENT.key_arn]


def test_what_is_under_way_is_not_begun_again(capsys: pytest.CaptureFixture[str]) -> None:
    kms = Kms(under_way=True)
    assert run(kms, "--apply") == 0
    assert kms.asked == []
    assert "already" in capsys.readouterr().out


def test_after_twenty_five_times_it_is_told_before_kms_is_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    kms = Kms(rotations=["ON_DEMAND"] * 25)
    assert run(kms, "--apply") == 2
    assert kms.asked == []
    assert "25 times are all" in capsys.readouterr().err


def test_its_permission_names_the_one_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Kms(), "--permission") == 0
    printed = json.loads(capsys.readouterr().out)
    [statement] = printed["Statement"]
    assert statement["Resource"] == [DOCUMENT.key_arn]
    assert "kms:RotateKeyOnDemand" in statement["Action"]
    assert list(complaints(Policy.parse("rotator", printed))) == []
