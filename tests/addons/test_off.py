"""Off, add-ons leave an environment's templates as they are, to the byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import app
from environments import PROD
from tests.addons.conftest import ON
from tests.some import some

if TYPE_CHECKING:
    from aws_cdk.cx_api import CloudAssembly


def test_off_they_leave_no_trace(outdir: Path, assembly: CloudAssembly, tmp_path: Path) -> None:
    own = {"data_role_arns": PROD.data_role_arns, "trusted_cidrs": PROD.trusted_cidrs}
    off = replace(ON, addons=(), **own)
    assert off == PROD
    app.build([off], outdir=str(tmp_path), validate=False).synth()
    stage = tmp_path / f"assembly-{PROD.name}"
    for file in some(Path(assembly.directory).glob(f"assembly-{PROD.name}/*.template.json")):
        text = (stage / file.name).read_bytes()
        assert text == file.read_bytes()
        assert b"IMAGE_GATE" not in text
    names = [one.name for one in ON.addons]
    assert not [file for name in names for file in stage.glob(f"*{name}*")]
    # On, each has a stack, and the controller's template names the gate of images.
    on = outdir / f"assembly-{ON.name}"
    assert all(some(on.glob(f"*{name}*.template.json")) for name in names)
    [control] = on.glob("*control*.template.json")
    assert b"IMAGE_GATE" in control.read_bytes()
