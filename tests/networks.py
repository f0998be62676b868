"""Networks that an adopter brings along, as several tests build into them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from stacks.settings import ExistingVpc

__all__ = ["EXISTING", "GROUPED", "REUSED"]

EXISTING: Final = ExistingVpc(
    vpc_id="vpc-0a1b2c3d",
    subnet_ids=("subnet-0a1b2c3d", "subnet-1a1b2c3d"),
    route_table_ids=("rtb-0a1b2c3d", "rtb-1a1b2c3d"),
)
"""One that gets endpoints of ours."""

GROUPED: Final = replace(
    EXISTING, endpoints_security_group_id="sg-0e1b2c3d", worker_security_group_id="sg-0d1b2c3d"
)
"""One whose owner brings security groups for workers and endpoints."""

REUSED: Final = replace(
    EXISTING,
    endpoints="reuse",
    endpoints_security_group_id="sg-0a1b2c3d",
    s3_endpoint_id="vpce-0a1b2c3d",
)
"""One that has endpoints of its own."""
