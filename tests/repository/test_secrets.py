"""No credential is in the tree, and no function takes one (S1, G3)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.some import some
from tests.tracked import files_of

ROOT = Path(__file__).parents[2]

CREDENTIALS = {
    "an AWS access key id": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+[A-Za-z0-9+/]"),
    "a password": re.compile(r"(?i)password[\"']?\s*[:=]\s*[\"']([^\"'\s]+)[\"']"),
}
JUNK = {"integration.test@sagebase.org", "ThisIsAFakePassword"}
"""The two credentials of the seed documents that are published and open nothing (G3)."""

KEY_ARGUMENTS = re.compile(r"(aws_)?(access_key(_id)?|secret(_access)?_key|session_token)")


def credentials(text: str) -> Iterator[str]:
    for what, pattern in CREDENTIALS.items():
        for found in pattern.finditer(text):
            if found.group(found.lastindex or 0) not in JUNK:
                yield what


def files() -> list[Path]:
    return some(ROOT / name for name in files_of(ROOT))


def test_no_file_holds_a_credential() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {what}"
        for path in files()
        for what in credentials(path.read_text(encoding="utf-8", errors="replace"))
    }
    assert not found


@pytest.mark.parametrize(
    "text",
    [
        "AKIA" + "Q" * 16,
        f"key = '{'ASIA' + '7' * 16}'",
        "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIE",
        "pass" + 'word: "hunter2"',
    ],
)
def test_the_scanner_sees_what_it_looks_for(text: str) -> None:
    assert list(credentials(text))


def test_the_scanner_knows_the_published_junk() -> None:
    assert not list(credentials("pass" + 'word = "ThisIsAFakePassword"'))


def test_no_public_function_takes_aws_keys() -> None:
    source = ROOT / "worker/src/starburst"
    takes = [
        f"{path.relative_to(ROOT)}:{node.lineno} {argument.arg}"
        for path in some(source.rglob("*.py"))
        # The local environment hands its own emulator's throw-away keys to its own processes.
        if "local" not in path.relative_to(source).parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        if KEY_ARGUMENTS.fullmatch(argument.arg)
    ]
    assert not takes
    words = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    assert all(KEY_ARGUMENTS.fullmatch(word) for word in words), "as boto3 calls them"


def test_no_record_of_an_incident_is_in_the_tree() -> None:
    # The commands write where they are called, which for a test that forgot to say is here.
    record = re.compile(
        r"(?:incident|release|hold|unhold|erased|isolation|freeze|thaw)-[\w-]+\.json"
    )
    assert [path.name for path in files() if record.fullmatch(path.name)] == []
