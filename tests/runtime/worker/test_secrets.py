"""A workspace's secrets stay out of what tasks print, and out of what a worker says of itself."""

from __future__ import annotations

import pytest

from starburst.contract import WorkerVariable
from starburst.worker.printing.masking import MASK, Mask
from starburst.worker.settings.variables import Variables

STARTED = {
    WorkerVariable.WORKSPACE: "genomics",
    WorkerVariable.BUCKET: "bucket",
    WorkerVariable.KEY_ARN: "key",
    WorkerVariable.SESSION_PREFIX: f"sessions/genomics/alice/{'a' * 20}/",
    WorkerVariable.QUEUE_URL: "queue",
    WorkerVariable.LONGEST_SECONDS: "60",
}


@pytest.mark.parametrize(
    ("secrets", "line", "shown"),
    [
        (["hunter22"], "a hunter22, and hunter22", f"a {MASK}, and {MASK}"),
        (["hunter", "hunter22"], "hunter22", MASK),
        (["-----BEGIN\nMIIBVgIBADAN\n-----END"], "MIIBVgIBADAN", MASK),
        (["5432"], "port 5432", "port 5432"),
        (["hunter22"], "aHVudGVyMjI=", "aHVudGVyMjI="),
        ([], "hunter22", "hunter22"),
        (['{"user": "reader", "deep": [{"pin": 1234567}]}'], "reader 1234567", f"{MASK} {MASK}"),
        (["hun\x0cter22"], "a hun\x0cter22", f"a {MASK}"),
        (["häus\\er"], r"{'A': 'häus\\er'} h\u00e4us\\er", f"{{'A': '{MASK}'}} {MASK}"),
        (["{" * 100_000], "hunter22", "hunter22"),
        (['["hunter22", 1234.567]'], "hunter22 1234.567", f"{MASK} {MASK}"),
        ([r'{"db": "{\"password\": \"hunter22\"}"}'], "hunter22", MASK),
        (['{"key": "hunter22", "key": "hunter23"}'], "hunter22 hunter23", f"{MASK} {MASK}"),
        (['"hunter22"'], "hunter22", MASK),
        (["häuser"], r"h\xe4user b'h\xc3\xa4user'", f"{MASK} b'{MASK}'"),
        (['hä"user'], r'{"k": "hä\"user"}', f'{{"k": "{MASK}"}}'),
        (
            [r'{"half": "\ud800hunter", "key": "hunter22"}'],
            r"hunter22 \ud800hunter",
            f"{MASK} {MASK}",
        ),
    ],
    ids=[
        *("twice", "one within another", "of many lines", "too short", "encoded", "none"),
        *("values of an object", "an odd end of a line", "as Python and JSON write", "no object"),
        *("values of a list", "JSON in JSON", "two of one name", "a text as JSON", "as bytes"),
        *("as JSON writes letters", "half a character"),
    ],
)
def test_a_line_is_shown_without_them(secrets: list[str], line: str, shown: str) -> None:
    assert Mask(secrets)(line.encode()).decode() == shown


def test_a_worker_knows_them_by_name_and_shows_none() -> None:
    given = {WorkerVariable.SECRETS: "TOKEN,LEFT_OUT", "TOKEN": "hunter22", "OTHER": "x"}
    variables = Variables.read({**STARTED, **given})
    assert variables.secrets == ("hunter22",)
    assert "hunter22" not in repr(variables)
    assert Variables.read(STARTED).secrets == ()
