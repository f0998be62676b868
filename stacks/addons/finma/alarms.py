"""What rings of backups: none that is young enough, and one that failed or left something out.

AWS Backup's metrics are documented without saying under which dimensions together each is sent, and
its console's "completed with issues" is in none of them
(https://docs.aws.amazon.com/aws-backup/latest/devguide/cloudwatch.html). So its events are counted,
which say of which vault they are. They come as well as it goes: one that is lost rings.
"""

from __future__ import annotations

from typing import Final, cast

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from starburst_constructs.monitoring.metric_filter import CountingFilter
from starburst_constructs.monitoring.noticed.forwarding import ForwardedEvents
from starburst_constructs.monitoring.silence import SilenceAlarm
from starburst_constructs.monitoring.watch import counted
from starburst_constructs.placement import Placement

__all__ = ["STEP_HOURS", "BackupAlarms"]

STEP_HOURS: Final = 12
"""Of these a recovery point objective is a multiple."""

_ENDED: Final = ("ABORTED", "COMPLETED", "EXPIRED", "FAILED")
_WHOLE: Final = '{ $.detail.state = "COMPLETED" }'
_FLAWED: Final = '{ ($.detail.state != "COMPLETED") || ($.detail.statusMessage != "") }'
"""Of a job that completed, a message is what the console calls issues:
https://docs.aws.amazon.com/aws-backup/latest/devguide/eventbridge.html"""

_PAGE: Final = "docs/addons/finma.md#when-it-rings"


class BackupAlarms(Construct):
    """Alarms on the backups of one vault.

    Args:
        scope: parent construct.
        construct_id: its id there.
        environment: its name.
        placement: of the environment.
        vault: name of the vault.
        rpo_hours: a completed backup is due in so many.
        key: encrypts the log of events.
        days: that the log is kept.
        topic: who hears.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: str,
        placement: Placement,
        vault: str,
        rpo_hours: int,
        key: kms.Key,
        days: int,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        heard = ForwardedEvents(
            self,
            "Jobs",
            name=f"/aws/events/starburst/{environment}/backups",
            key=key,
            days=days,
            placement=placement,
            patterns={
                "Ended": {
                    "source": ["aws.backup"],
                    "detail-type": ["Backup Job State Change"],
                    "detail": {"backupVaultName": [vault], "state": list(_ENDED)},
                }
            },
        )
        for name, pattern in (("completed", _WHOLE), ("flawed", _FLAWED)):
            metric = f"{environment}-backups-{name}"
            CountingFilter(self, name.capitalize(), log=heard.log, pattern=pattern, metric=metric)
        period = cdk.Duration.hours(STEP_HOURS)
        SilenceAlarm(
            self,
            "BackupOverdue",
            told=f"No backup of the data bucket was completed in {rpo_hours} hours. {_PAGE}",
            metric=counted(f"{environment}-backups-completed", period=period),
            period=period,
            periods=rpo_hours // STEP_HOURS,
            topic=topic,
        )
        cloudwatch.Alarm(
            self,
            "BackupFailed",
            alarm_description="Starburst: A backup of the data bucket failed, was stopped, began "
            f"too late, or left something out. {_PAGE}",
            metric=counted(f"{environment}-backups-flawed"),
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        ).add_alarm_action(cast(cloudwatch.IAlarmAction, actions.SnsAction(topic)))
