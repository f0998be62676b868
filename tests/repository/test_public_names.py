"""What is exported: the names that users, the kit and AWS may rely on, each on a list."""

from __future__ import annotations

import ast
import concurrent.futures
from pathlib import Path

import pytest

import starburst
from starburst import Connection, Executor, Handle, Session
from starburst._client.tasks.futures import TaskFuture
from tests.repository.imports import ROOT, imports
from tests.some import some

RUNTIME = ROOT / "worker/src/starburst"

ERRORS = {
    *("AccessDenied", "ConfigurationError", "EnvironmentNotFound", "FleetFailed", "ImageRefused"),
    *("IntegrityError", "KeyUnavailable", "LimitExceeded", "LocalEnvironmentError"),
    *("PayloadError", "RemoteTraceback", "ResultTooLarge", "SessionEnded", "SessionError"),
    *("SessionNotFound", "SessionsFrozen", "StarburstError", "TaskError", "TaskTimeout"),
    *("UnsafeResult", "VersionMismatch", "WorkerLost", "WorkspaceNotFound", "WrongArguments"),
    *("DataNotFound", "InitializerFailed", "PackagesRefused", "UnpicklableInput"),
}
VALUES = {
    *("Connection", "Estimate", "FutureList", "Handle", "ResultIterator", "Session"),
    *("LogLine", "SessionOptions", "SessionSummary", "Status", "Travels"),
}
CALLS = {
    *("Executor", "as_completed", "attach", "connect", "estimate", "imap", "login"),
    *("map", "put", "rng", "session", "sessions", "starmap", "wait"),
}
SPACES = {"data", "home"}
MODULES = {
    "errors": "users: what is raised",
    "data": "users: the data of a workspace",
    "home": "users: a person's own folder",
    "admin": "officers: everybody's sessions, totals, reports and ages",
    "joblib": "users: the calls of joblib, and so scikit-learn, on workers",
    "airflow": "users: bursts as tasks of Airflow",
    "local": "users: the environment that runs on one computer",
    "contract": "the kit: names, keys, limits and times that both sides agree on",
    "aws": "the kit: how AWS is called and what it answers",
    "pricing": "the kit: what AWS sells and charges",
    "untrusted": "the kit: reading what others may have written",
    "controller": "AWS: the Lambda runs it",
    "worker": "AWS: the worker image runs it",
    "cli": "the shell: the command `starburst`",
}
KIT = ("app.py", "environments.py", "stacks", "constructs", "deploy", "examples")


def public(thing: type) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


def test_the_package_exports_what_is_listed() -> None:
    assert set(starburst.__all__) == ERRORS | VALUES | CALLS | SPACES
    assert sorted(starburst.__all__) == starburst.__all__ == dir(starburst)
    for name in starburst.__all__:
        assert getattr(starburst, name).__doc__, name


@pytest.mark.parametrize(
    ("thing", "names"),
    [
        (
            Session,
            {
                *("id", "manifest", "futures", "tally", "status", "report"),
                *("submit", "map", "imap", "put", "collect", "cancel", "extend", "cleanup"),
                *("detach", "starmap", "retry_failed", "logs"),
            },
        ),
        (Handle, {"kind", "nbytes", "value"}),
        (Executor, {"map", "session", "shutdown", "submit"}),
        (TaskFuture, public(concurrent.futures.Future)),
        (
            Connection,
            {
                *("document", "workspace", "user", "limits", "local", "keys", "read"),
                *("s3", "sqs", "kms", "ssm", "functions", "timings", "renews", "steward"),
                *("aws", "ca_bundle"),
            },
        ),
    ],
    ids=["Session", "Handle", "Executor", "futures", "Connection"],
)
def test_a_class_has_the_public_attributes_that_are_listed(thing: type, names: set[str]) -> None:
    assert public(thing) == names


def test_a_module_without_an_underscore_is_listed_with_its_reason() -> None:
    found = {
        path.stem
        for path in RUNTIME.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert {name for name in found if not name.startswith("_")} == set(MODULES)


def imported(path: Path) -> set[str]:
    """The names of this distribution that a file imports, also where only type checkers look."""
    return {name for name in imports(path, types=True) if name.split(".")[0] == "starburst"}


def kit_files() -> list[Path]:
    starts = (ROOT / name for name in KIT)
    return [
        file for start in starts for file in ([start] if start.is_file() else start.rglob("*.py"))
    ]


def test_the_kit_imports_no_private_room() -> None:
    assert len(kit_files()) > 100
    wrong = {
        str(file.relative_to(ROOT)): sorted(private)
        for file in kit_files()
        if (private := {n for n in imported(file) if any(p.startswith("_") for p in n.split("."))})
    }
    assert not wrong


def test_a_module_lists_each_of_its_names_once_and_none_that_is_private() -> None:
    for path in some(sorted(RUNTIME.rglob("*.py"))):
        tree = ast.parse(path.read_text())
        listed = next(
            (
                ast.literal_eval(node.value)
                for node in tree.body
                if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
            ),
            [],
        )
        assert len(listed) == len(set(listed)), path
        assert not [name for name in listed if name.startswith("_")], path
