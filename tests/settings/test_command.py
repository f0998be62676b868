"""A mistyped setting prints one sentence, not a traceback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_wrong_setting_ends_the_app_with_its_sentence_alone(tmp_path: Path) -> None:
    for name in ("app.py", "cdk.json", "package.json"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "stacks").symlink_to(ROOT / "stacks")
    text = (ROOT / "environments.py").read_text()
    wrong = text.replace("workers=500,", "workers=501,")
    assert wrong != text
    (tmp_path / "environments.py").write_text(wrong)
    result = subprocess.run(
        [sys.executable, "app.py"],
        cwd=tmp_path,
        env={**os.environ, "CDK_VALIDATION": "false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr == (
        "workspace genomics: limits.workers is 501; allowed: a whole number, 1 to 500.\n"
    )
    assert result.stdout == ""
    assert not (tmp_path / "cdk.out").exists()
