"""The Lambda's asset carries no third-party package, so its code may import none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from starburst.controller import CODE, LEFT_OUT

BLOCKED = ("cryptography", "msgpack", "cloudpickle", "tqdm", "zstandard", "numpy", "aws_cdk")

PROGRAM = f"""
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {BLOCKED!r}:
            raise ImportError("blocked: " + name)

sys.meta_path.insert(0, Block())
import starburst.controller.handler
import starburst.pricing.prices
assert starburst.pricing.prices.load("eu-west-1")
ours = sorted(name for name in sys.modules if name.startswith("starburst."))
third = sorted(
    {{name.split(".")[0] for name in sys.modules}} & {{"mypy_boto3_ecs", "mypy_boto3_s3"}}
)
assert not third, third
print("\\n".join(ours))
"""


def test_the_handler_imports_with_every_third_party_package_blocked() -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-W", "error", "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    imported = [name.removeprefix("starburst.") for name in done.stdout.split()]
    assert {name.partition(".")[0] for name in imported} <= {Path(name).stem for name in CODE}
    assert not [name for name in imported if name.replace(".", "/").startswith(LEFT_OUT)]


def test_nothing_happens_at_import() -> None:
    program = (
        "import boto3\n"
        "def fail(*a, **k): raise AssertionError('a client was made at import')\n"
        "boto3.session.Session.client = fail\n"
        "import starburst.controller.handler\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)  # noqa: S603
