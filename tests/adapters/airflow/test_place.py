"""What an Airflow connection says, and what of it is no secret."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from starburst.airflow.place import Place
from starburst.errors import ConfigurationError

HUSH = "hush"


def connection(**fields: Any) -> SimpleNamespace:
    empty = {"conn_id": "burst", "host": None, "schema": None, "login": None, "password": None}
    return SimpleNamespace(**{**empty, "extra_dejson": {}, **fields})


def test_its_fields_are_where_to_go_and_who_to_be() -> None:
    place = Place.of(
        connection(
            host="prod",
            schema="genomics",
            login="alice",
            password=HUSH,
            extra_dejson={"profile": "bursts"},
        )
    )
    assert place == Place(
        environment="prod", workspace="genomics", user="alice", profile="bursts", salt=HUSH
    )


def test_what_is_left_out_is_left_to_variables() -> None:
    assert Place.of(connection(host="", extra_dejson={})) == Place()


def test_no_secret_is_shown() -> None:
    assert "hush" not in repr(Place(environment="prod", salt=HUSH))


def test_an_extra_that_nobody_reads_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'profil', 'role_arn'; there is 'profile' alone"):
        Place.of(connection(extra_dejson={"role_arn": "x", "profil": "y"}))
