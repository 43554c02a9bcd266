"""CloudWatch alarms that notify one topic: the alarms of the layers, and the composite paging alarm."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.blocks.monitoring import Alarm, Metric
from components.stack_context import StackContext


@dataclass(frozen=True, kw_only=True)
class AlarmsArgs:
    """`topic_arn` is where every change to ALARM is published.

    `paging_alarm_name` is the physical name of the composite alarm over those that page; empty creates none.
    """

    context: StackContext
    alarms: Sequence[Alarm]
    topic_arn: pulumi.Input[str]
    paging_alarm_name: str


def create_alarms(name: str, args: AlarmsArgs, parent: pulumi.Resource) -> None:
    """Create every alarm, and the composite alarm over those that page if there is to be one."""
    created = {alarm.name: _metric_alarm(f"{name}-{alarm.name}", alarm, args, parent) for alarm in args.alarms}
    if args.paging_alarm_name:
        paging = [created[alarm.name].name for alarm in args.alarms if alarm.pages]
        _paging_alarm(f"{name}-paging", paging, args, parent)


def _paging_alarm(name: str, paging: Sequence[pulumi.Output[str]], args: AlarmsArgs, parent: pulumi.Resource) -> None:
    aws.cloudwatch.CompositeAlarm(
        name,
        alarm_name=args.paging_alarm_name,
        alarm_description=_description(
            "Uploads are lost or not being processed; one of the alarms in this alarm's rule is in ALARM.",
            f"aws cloudwatch describe-alarms --state-value ALARM --alarm-name-prefix {args.context.name('')}",
        ),
        alarm_rule=pulumi.Output.all(*paging).apply(
            lambda names: " OR ".join(f'ALARM("{alarm_name}")' for alarm_name in names)
        ),
        alarm_actions=[args.topic_arn],
        # So that a pager resolves its incident.
        ok_actions=[args.topic_arn],
        tags=args.context.tags,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def _metric_alarm(name: str, alarm: Alarm, args: AlarmsArgs, parent: pulumi.Resource) -> aws.cloudwatch.MetricAlarm:
    # Without the composite alarm, a pager receives this one and resolves its incident.
    is_paged = alarm.pages and not args.paging_alarm_name
    return aws.cloudwatch.MetricAlarm(
        name,
        name=args.context.name(alarm.name),
        alarm_description=_description(alarm.meaning, alarm.command),
        metric_queries=_metric_queries(alarm),
        comparison_operator=alarm.comparison,
        threshold=alarm.threshold,
        evaluation_periods=alarm.periods,
        datapoints_to_alarm=alarm.periods,
        treat_missing_data="notBreaching",
        alarm_actions=[args.topic_arn],
        ok_actions=[args.topic_arn] if is_paged else None,
        tags=args.context.tags,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def _description(meaning: str, command: str) -> str:
    return f"{meaning}\nNext: {command}"


def _metric_queries(alarm: Alarm) -> list[aws.cloudwatch.MetricAlarmMetricQueryArgs]:
    queries = [
        aws.cloudwatch.MetricAlarmMetricQueryArgs(
            id=query_id, metric=_metric(metric, alarm), return_data=alarm.expression is None
        )
        for query_id, metric in alarm.metrics.items()
    ]
    if alarm.expression is not None:
        queries.append(
            aws.cloudwatch.MetricAlarmMetricQueryArgs(
                id="result", expression=alarm.expression, label=alarm.name, return_data=True
            )
        )
    return queries


def _metric(metric: Metric, alarm: Alarm) -> aws.cloudwatch.MetricAlarmMetricQueryMetricArgs:
    return aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
        namespace=metric.namespace,
        metric_name=metric.name,
        dimensions=dict(metric.dimensions),
        stat=metric.statistic,
        period=alarm.period_seconds,
    )
