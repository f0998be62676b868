"""In a task: data are found without being told where, and nothing can be changed."""

from __future__ import annotations

import pytest

from starburst import AccessDenied, ConfigurationError, data, home
from starburst._client.access.connection import Connection
from starburst.contract import DATA_VARIABLE


@pytest.fixture
def in_a_task(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    data.put(b"x", "cohort/a", environment=connection)
    for name, value in (
        (DATA_VARIABLE, "s3://bucket/data/study/"),
        ("AWS_ACCESS_KEY_ID", "testing"),
        ("AWS_SECRET_ACCESS_KEY", "testing"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.mark.usefixtures("in_a_task")
def test_a_task_reads_data_without_being_told_where() -> None:
    assert data.path("x") == "s3://bucket/data/study/x"
    assert data.glob("**/a") == ["s3://bucket/data/study/cohort/a"]
    assert [each.name for each in data.ls("cohort")] == ["cohort/a"]


@pytest.mark.usefixtures("in_a_task")
def test_a_task_changes_nothing_and_has_no_home() -> None:
    for call in (
        lambda: data.put(b"x", "x"),
        lambda: data.rm("cohort/a"),
        lambda: data.open("x", "wb"),
        lambda: data.ls(workspace="other"),
        lambda: data.ls(environment="prod"),
        home.ls,
        lambda: home.put(b"x", "x"),
    ):
        with pytest.raises(
            AccessDenied, match=r"tasks? (reads? .* never change|reads its own|reach no home)"
        ):
            call()
    with pytest.raises(ConfigurationError, match="is not below s3://bucket/data/study/"):
        data.get("s3://bucket/data/other/x")


def test_a_variable_that_is_no_path_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_VARIABLE, "bucket/data/study")
    with pytest.raises(ConfigurationError, match="is no path of a workspace's data"):
        data.path("x")
