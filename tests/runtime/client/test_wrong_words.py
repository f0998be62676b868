"""What people get wrong in arguments is said at once, as our errors, and AWS is not asked."""

from __future__ import annotations

import pkgutil
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import starburst
from starburst._client.executor import StarburstExecutor
from starburst._client.options import SessionOptions
from starburst.errors import ConfigurationError


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"max_workers": 4}, "did you mean 'workers'"),
        ({"worker": 4}, "did you mean 'workers'"),
        ({"zzz": 4}, "there is no option 'zzz'. There are workers, cpu"),
        ({"memory": None}, "memory=None is neither a number of GB nor text"),
        ({"memory": [1]}, "neither a number of GB nor text"),
        ({"cpu": [1]}, "Fargate sells 0.25"),
        ({"cpu": "4"}, "Fargate sells 0.25"),
        ({"labels": None}, "no dictionary of text by text"),
        ({"labels": {"grant": 7}}, "no dictionary of text by text"),
        ({"retry_on": None}, "no tuple or list"),
        ({"workers": 4.0}, r"whole number \(int\)"),
        ({"workers": np.float64(4)}, r"whole number \(int\)"),
        ({"workers": np.array([4])}, r"whole number \(int\)"),
        ({"workers": np.bool_(True)}, r"whole number \(int\)"),
        ({"retries": True}, r"whole number \(int\)"),
        ({"cpu": True}, "cpu=True: Fargate sells"),
        ({"memory": True}, "neither a number of GB nor text"),
        ({"memory": float("nan")}, "neither a number of GB nor text"),
        ({"timeout": np.float32("nan")}, "is not a number of seconds above 0"),
        ({"timeout": float("inf")}, "is not a number of seconds above 0"),
        ({"timeout": np.timedelta64(3, "s")}, "is not a number of seconds above 0"),
        ({"max_usd": "5"}, "is not a number of US dollars above 0"),
        ({"max_usd": Decimal("NaN")}, "is not a number of US dollars above 0"),
    ],
)
def test_an_option_that_does_not_fit_is_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        SessionOptions.of(options)
    with pytest.raises(ConfigurationError, match=said):
        StarburstExecutor(**options)


@pytest.mark.parametrize("name", ["return_exceptions", "stop_on_error", "keep"])
def test_a_text_is_no_choice(name: str) -> None:
    ends: dict[str, Any] = {name: "no"}
    with pytest.raises(ConfigurationError, match=f"{name}='no' must be True or False"):
        starburst.map(abs, [1], **ends)
    with pytest.raises(ConfigurationError, match=f"{name}='no' must be True or False"):
        starburst.starmap(pow, [(1, 2)], **ends)


def test_numbers_of_numpy_decimals_and_fractions_are_numbers() -> None:
    given: dict[str, Any] = {
        "workers": np.int64(4),
        "cpu": np.float32(0.5),
        "memory": np.array(2),
        "timeout": Fraction(7, 2),
        "retries": np.uint8(1),
        "max_usd": Decimal("1.5"),
        "seed": np.uint64(7),
    }
    options = SessionOptions(**given)
    taken = {name: getattr(options, name) for name in given}
    assert taken == {"cpu": 0.5, "memory": 2, "timeout": 3.5, "max_usd": 1.5} | {
        "workers": 4,
        "retries": 1,
        "seed": 7,
    }
    assert {type(value) for value in taken.values()} == {int, float}
    numbers: dict[str, Any] = {"workers": np.int64(2), "hours": np.float64(1), "samples": 3}
    assert starburst.estimate(**numbers).usd > 0


def test_a_number_of_workers_is_no_environment() -> None:
    with pytest.raises(ConfigurationError, match="workers= go by name"):
        StarburstExecutor(4)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"hours": "2"}, "hours='2'"),
        ({"hours": 1, "scratch_gb": 5000}, "scratch_gb=5000"),
        ({"hours": 1, "scratch_gb": -5}, "scratch_gb=-5"),
        ({"hours": 1, "architecture": 5}, "neither 'x86_64' nor 'arm64'"),
        ({"hours": 1, "memory": None}, "memory=None"),
        ({"hours": 1, "environment": 5}, "neither the name of an environment"),
    ],
)
def test_an_estimate_of_what_does_not_exist_is_refused(
    arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        starburst.estimate(**arguments)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"AWS_REGION": "us east 1"}, "us east 1"),
        ({"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "x"}, "Partial credentials"),
    ],
)
def test_a_malformed_configuration_of_aws_is_said(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "STARBURST_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=said):
        starburst.connect("prod", "study", user="alice")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({"token_code": 123456}, "as text"), ({"seconds": "3600"}, "seconds='3600'")],
)
def test_a_login_with_the_wrong_types_does_not_ask_aws(
    arguments: dict[str, Any], said: str
) -> None:
    terms = {"token_code": "123456", "serial_number": "arn:mfa", "user": "alice", **arguments}
    with pytest.raises(ConfigurationError, match=said):
        starburst.login("arn:role", **terms)


def test_no_module_takes_the_place_of_a_name_that_people_call() -> None:
    assert starburst.Estimate  # whose module is imported with it
    assert callable(starburst.estimate)
    modules = {module.name for module in pkgutil.iter_modules(starburst.__path__)}
    assert modules & {*starburst.__all__} == {"data", "home"}, "those are modules themselves"
