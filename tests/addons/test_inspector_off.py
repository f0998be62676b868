"""Off, the image gate leaves an environment's templates as they are, to the byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import app
from environments import DEV
from stacks.addons.inspector import Inspector
from tests.some import some

if TYPE_CHECKING:
    from aws_cdk.cx_api import CloudAssembly


def test_off_it_leaves_no_trace(assembly: CloudAssembly, tmp_path: Path) -> None:
    on = replace(DEV, addons=(Inspector(),))
    app.build([replace(on, addons=())], outdir=str(tmp_path), validate=False).synth()
    for file in some(Path(assembly.directory).glob("assembly-dev/*.template.json")):
        text = (tmp_path / "assembly-dev" / file.name).read_bytes()
        assert text == file.read_bytes()
        assert b"IMAGE_GATE" not in text
    assert not list(tmp_path.glob("assembly-dev/*inspector*"))
