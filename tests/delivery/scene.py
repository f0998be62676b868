"""An environment that delivers itself and another one, of another account."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from environments import DEV, PROD
from stacks.addons.delivery import Delivery, GitHub, Target

__all__ = ["CONNECTION", "DELIVERY", "GITHUB", "ON", "PROVIDER"]

GITHUB: Final = GitHub(owner="example", owner_id="12", name="environments", repository_id="34")
CONNECTION: Final = (
    f"arn:aws:codeconnections:{DEV.region}:{DEV.account}:connection/"
    "0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
)
DELIVERY: Final = Delivery(
    github=GITHUB,
    targets=(Target.of(DEV, approval=False), Target.of(PROD)),
    connection_arn=CONNECTION,
    image_base="python:3.11-slim@sha256:" + "ab" * 32,
)
ON: Final = replace(DEV, addons=(DELIVERY,))
PROVIDER: Final = f"arn:aws:iam::{DEV.account}:oidc-provider/token.actions.githubusercontent.com"
