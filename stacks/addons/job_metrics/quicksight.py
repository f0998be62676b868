"""What Amazon QuickSight draws costs from: its source is the workgroup, its data set a view.

QuickSight asks in a role of its own, which reads job metrics where ``readers`` names it.
"""

from __future__ import annotations

from typing import Final, cast

import aws_cdk as cdk
from aws_cdk import aws_quicksight as quicksight
from constructs import Construct

from stacks.addons.job_metrics.catalog import VIEWS

__all__ = ["QuickSight"]

_VIEW: Final = "job_costs"
_TYPES: Final = {"string": "STRING", "bigint": "INTEGER", "double": "DECIMAL"}
_SOURCE_ACTIONS: Final = (
    *("DescribeDataSource", "DescribeDataSourcePermissions", "PassDataSource"),
    *("UpdateDataSource", "DeleteDataSource", "UpdateDataSourcePermissions"),
)
_SET_ACTIONS: Final = (
    *("DescribeDataSet", "DescribeDataSetPermissions", "PassDataSet", "DescribeIngestion"),
    *("ListIngestions", "UpdateDataSet", "DeleteDataSet", "CreateIngestion", "CancelIngestion"),
    "UpdateDataSetPermissions",
)
"""What an owner may do with each.

Source: https://docs.aws.amazon.com/quicksight/latest/APIReference/API_CreateDataSource.html
"""


class QuickSight(Construct):
    """A data source and a data set, whose owner makes dashboards of them.

    Args:
        scope: parent construct.
        construct_id: its id there.
        environment: its name.
        account: twelve digits.
        owner: ARN of a user or group of QuickSight.
        workgroup: of Athena.
        database: that has the views.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: str,
        account: str,
        owner: str,
        workgroup: str,
        database: str,
    ) -> None:
        super().__init__(scope, construct_id)
        name = f"starburst-{environment}-jobs"
        source, dataset = quicksight.CfnDataSource, quicksight.CfnDataSet
        made = source(
            self,
            "Source",
            aws_account_id=account,
            data_source_id=name,
            name=f"Starburst {environment}: job metrics",
            type="ATHENA",
            data_source_parameters=source.DataSourceParametersProperty(
                athena_parameters=source.AthenaParametersProperty(work_group=workgroup)
            ),
            permissions=[
                source.ResourcePermissionProperty(
                    principal=owner, actions=[f"quicksight:{one}" for one in _SOURCE_ACTIONS]
                )
            ],
        )
        costs = dataset(
            self,
            "Costs",
            aws_account_id=account,
            data_set_id=name,
            name=f"Starburst {environment}: costs",
            import_mode="DIRECT_QUERY",
            physical_table_map={
                "costs": dataset.PhysicalTableProperty(
                    relational_table=dataset.RelationalTableProperty(
                        # Of a class whose properties the stub takes for methods.
                        data_source_arn=cast(str, made.attr_arn),
                        catalog="AwsDataCatalog",
                        schema=database,
                        name=_VIEW,
                        input_columns=[
                            dataset.InputColumnProperty(name=one, type=_TYPES[kind])
                            for one, kind in VIEWS[_VIEW].items()
                        ],
                    )
                )
            },
            permissions=[
                dataset.ResourcePermissionProperty(
                    principal=owner, actions=[f"quicksight:{one}" for one in _SET_ACTIONS]
                )
            ],
        )
        for each in (made, costs):
            each.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
