"""Queries that AWS publishes for Security Lake's second source version, which is OCSF 1.1.0.

Word for word in ``published_queries/``, each with the page that it is from. Only database and
table are called otherwise here, as ``ADAPTED`` says. What of AWS's own text finds nothing, on any
lake, ``MISTAKEN`` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

_FILES: Final = sorted(Path(__file__).with_name("published_queries").glob("*.sql"))
_BEGINS: Final = '"amazon_security_lake_glue_db_us_east_1"."amazon_security_lake_table_us_east_1_'
PUBLISHED: Final[Mapping[str, str]] = {one.stem: one.read_text("utf-8") for one in _FILES}
ADAPTED: Final[Mapping[str, str]] = {
    f'{_BEGINS}cloud_trail_mgmt_2_0"': "cloudtrail",
    f'{_BEGINS}vpc_flow_2_0"': "vpc_flow",
}
MISTAKEN: Final[Mapping[str, tuple[str, str]]] = {
    # An address ends in no dot.
    "activity_from_an_address": ("'192.0.2.1.'", "'192.0.2.1'"),
    # OCSF calls it Failure, in every version.
    "failed_records": ("status='failed'", "status='Failure'"),
}
"""What AWS wrote, and what finds something."""
