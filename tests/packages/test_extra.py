"""Who has no extra ``packages`` starts sessions as before, and is told how to send some."""

from __future__ import annotations

import subprocess
import sys

_WITHOUT = """
import sys
sys.modules.update(dict.fromkeys(["packaging", "pip", "uv"]))
import starburst._client.attaching, starburst._client.executor, starburst._client.mapping
import starburst.cli.packages
from starburst._packages.extras import check_installed
from starburst._packages.uses import loaded_uses
loaded_uses()
try:
    check_installed()
except starburst.PackagesRefused as error:
    print(error)
"""


def test_only_what_is_sent_needs_it() -> None:
    done = subprocess.run(  # noqa: S603 - this Python
        [sys.executable, "-c", _WITHOUT], capture_output=True, text=True, check=True
    )
    assert "packaging is not installed here" in done.stdout
    assert "pip install 'starburst[packages]'" in done.stdout
    assert "packages=()" in done.stdout
