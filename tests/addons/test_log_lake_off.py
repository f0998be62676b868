"""Off, the log lake and job metrics leave an environment's templates as they are, to the byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import app
from environments import DEV
from stacks.addons.job_metrics import JobMetrics
from stacks.addons.log_lake import LogLake
from tests.some import some

if TYPE_CHECKING:
    from aws_cdk.cx_api import CloudAssembly


def test_off_it_leaves_no_trace(assembly: CloudAssembly, tmp_path: Path) -> None:
    lake = LogLake(readers=(f"arn:aws:iam::{DEV.account}:role/security",))
    on = replace(DEV, addons=(lake, JobMetrics(readers=lake.readers)))
    app.build([replace(on, addons=())], outdir=str(tmp_path), validate=False).synth()
    for file in some(Path(assembly.directory).glob("assembly-dev/*.template.json")):
        assert (tmp_path / "assembly-dev" / file.name).read_bytes() == file.read_bytes()
    for name in ("lake", "jobs"):
        assert not list(tmp_path.glob(f"assembly-dev/*{name}*"))
