"""CloudWatch: alarms and dashboards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from localcloud.resources import tags as tag_apis
from localcloud.resources.base import (
    Cloud,
    Created,
    Properties,
    Resource,
    ResourceNotFound,
    TaggedResource,
    given,
    handles,
    tag_list,
)


class Metric(Properties):
    metric_name: str
    namespace: str | None = None
    dimensions: Mapping[str, str] = {}
    period: int
    stat: str
    unit: str | None = None

    def request(self) -> dict[str, Any]:
        metric = given(
            Namespace=self.namespace, MetricName=self.metric_name, Dimensions=tag_list(self.dimensions, "Name")
        )
        return given(Metric=metric, Period=self.period, Stat=self.stat, Unit=self.unit)


class MetricQuery(Properties):
    id: str
    account_id: str | None = None
    expression: str | None = None
    label: str | None = None
    metric: Metric | None = None
    period: int | None = None
    return_data: bool = False

    def request(self) -> dict[str, Any]:
        return given(
            Id=self.id,
            AccountId=self.account_id,
            Expression=self.expression,
            Label=self.label,
            MetricStat=self.metric and self.metric.request(),
            Period=self.period,
            ReturnData=self.return_data,
        )


@handles("aws:cloudwatch/metricAlarm:MetricAlarm")
class MetricAlarm(TaggedResource):
    generated_name: ClassVar = "name"
    identity: ClassVar = ("name",)
    tag_api: ClassVar = tag_apis.CLOUDWATCH

    name: str
    comparison_operator: str
    evaluation_periods: int
    actions_enabled: bool = True
    alarm_actions: Sequence[str] = ()
    alarm_description: str | None = None
    datapoints_to_alarm: int | None = None
    dimensions: Mapping[str, str] = {}
    extended_statistic: str | None = None
    insufficient_data_actions: Sequence[str] = ()
    metric_name: str | None = None
    metric_queries: Sequence[MetricQuery] = ()
    namespace: str | None = None
    ok_actions: Sequence[str] = ()
    period: int | None = None
    statistic: str | None = None
    threshold: float | None = None
    treat_missing_data: str = "missing"
    unit: str | None = None

    def create(self, cloud: Cloud) -> Created:
        cloud.client("cloudwatch").put_metric_alarm(
            AlarmName=self.name,
            ActionsEnabled=self.actions_enabled,
            AlarmActions=self.alarm_actions,
            ComparisonOperator=self.comparison_operator,
            EvaluationPeriods=self.evaluation_periods,
            InsufficientDataActions=self.insufficient_data_actions,
            OKActions=self.ok_actions,
            TreatMissingData=self.treat_missing_data,
            Tags=tag_list(self.tags),
            **given(
                AlarmDescription=self.alarm_description,
                DatapointsToAlarm=self.datapoints_to_alarm,
                Threshold=self.threshold,
            ),
            **self._metric(),
        )
        return Created(self.name, {"arn": _alarm_arn(cloud, self.name)})

    def _metric(self) -> dict[str, Any]:
        """Return the arguments for the metric: one metric, or expressions over several."""
        if self.metric_queries:
            return {"Metrics": [query.request() for query in self.metric_queries]}
        return given(
            Namespace=self.namespace,
            MetricName=self.metric_name,
            Dimensions=tag_list(self.dimensions, "Name"),
            Period=self.period,
            Statistic=self.statistic,
            ExtendedStatistic=self.extended_statistic,
            Unit=self.unit,
        )

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        """Return all inputs except the metrics, which can be written in several equivalent ways."""
        alarms = cloud.client("cloudwatch").describe_alarms(AlarmNames=[resource_id], AlarmTypes=["MetricAlarm"])
        for alarm in alarms["MetricAlarms"]:
            return self.with_actual_values(
                actions_enabled=alarm.get("ActionsEnabled"),
                alarm_actions=alarm.get("AlarmActions", []),
                alarm_description=alarm.get("AlarmDescription"),
                comparison_operator=alarm["ComparisonOperator"],
                datapoints_to_alarm=alarm.get("DatapointsToAlarm"),
                evaluation_periods=alarm["EvaluationPeriods"],
                insufficient_data_actions=alarm.get("InsufficientDataActions", []),
                ok_actions=alarm.get("OKActions", []),
                threshold=alarm.get("Threshold"),
                treat_missing_data=alarm.get("TreatMissingData"),
            )
        raise ResourceNotFound(resource_id)

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("cloudwatch").delete_alarms(AlarmNames=[resource_id])


@handles("aws:cloudwatch/compositeAlarm:CompositeAlarm")
class CompositeAlarm(TaggedResource):
    identity: ClassVar = ("alarm_name",)
    tag_api: ClassVar = tag_apis.CLOUDWATCH

    alarm_name: str
    alarm_rule: str
    actions_enabled: bool = True
    alarm_actions: Sequence[str] = ()
    alarm_description: str | None = None
    insufficient_data_actions: Sequence[str] = ()
    ok_actions: Sequence[str] = ()

    def create(self, cloud: Cloud) -> Created:
        cloud.client("cloudwatch").put_composite_alarm(
            AlarmName=self.alarm_name,
            AlarmRule=self.alarm_rule,
            ActionsEnabled=self.actions_enabled,
            AlarmActions=self.alarm_actions,
            InsufficientDataActions=self.insufficient_data_actions,
            OKActions=self.ok_actions,
            Tags=tag_list(self.tags),
            **given(AlarmDescription=self.alarm_description),
        )
        return Created(self.alarm_name, {"arn": _alarm_arn(cloud, self.alarm_name)})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        alarms = cloud.client("cloudwatch").describe_alarms(AlarmNames=[resource_id], AlarmTypes=["CompositeAlarm"])
        for alarm in alarms["CompositeAlarms"]:
            return self.with_actual_values(
                actions_enabled=alarm.get("ActionsEnabled"),
                alarm_actions=alarm.get("AlarmActions", []),
                alarm_description=alarm.get("AlarmDescription"),
                alarm_rule=alarm["AlarmRule"],
                insufficient_data_actions=alarm.get("InsufficientDataActions", []),
                ok_actions=alarm.get("OKActions", []),
            )
        raise ResourceNotFound(resource_id)

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("cloudwatch").delete_alarms(AlarmNames=[resource_id])


def _alarm_arn(cloud: Cloud, name: str) -> str:
    return f"arn:aws:cloudwatch:{cloud.region}:{cloud.account_id}:alarm:{name}"


@handles("aws:cloudwatch/dashboard:Dashboard")
class Dashboard(Resource):
    identity: ClassVar = ("dashboard_name",)

    dashboard_name: str
    dashboard_body: str

    def create(self, cloud: Cloud) -> Created:
        cloud.client("cloudwatch").put_dashboard(DashboardName=self.dashboard_name, DashboardBody=self.dashboard_body)
        arn = f"arn:aws:cloudwatch::{cloud.account_id}:dashboard/{self.dashboard_name}"
        return Created(self.dashboard_name, {"dashboardArn": arn})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("cloudwatch").get_dashboard(DashboardName=resource_id)
        return self.with_actual_values(dashboard_body=found["DashboardBody"])

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("cloudwatch").delete_dashboards(DashboardNames=[resource_id])
