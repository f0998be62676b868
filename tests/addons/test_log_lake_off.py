"""Off, the log lake leaves an environment's templates as they are, to the byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import app
from environments import DEV
from stacks.addons.log_lake import LogLake
from tests.some import some

if TYPE_CHECKING:
    from aws_cdk.cx_api import CloudAssembly


def test_off_it_leaves_no_trace(assembly: CloudAssembly, tmp_path: Path) -> None:
    lake = LogLake(readers=(f"arn:aws:iam::{DEV.account}:role/security",))
    on = replace(DEV, addons=(lake,))
    app.build([replace(on, addons=())], outdir=str(tmp_path), validate=False).synth()
    for file in some(Path(assembly.directory).glob("assembly-dev/*.template.json")):
        assert (tmp_path / "assembly-dev" / file.name).read_bytes() == file.read_bytes()
    assert not list(tmp_path.glob("assembly-dev/*lake*"))
