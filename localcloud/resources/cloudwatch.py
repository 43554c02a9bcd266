"""CloudWatch: alarms and dashboards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from localcloud.resources.base import Cloud, Created, Properties, Resource, given, handles, tag_list


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
class MetricAlarm(Resource):
    generated_name: ClassVar = "name"

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
    tags: Mapping[str, str] = {}

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
        """What is watched: either an expression over metrics or one metric."""
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


@handles("aws:cloudwatch/compositeAlarm:CompositeAlarm")
class CompositeAlarm(Resource):
    alarm_name: str
    alarm_rule: str
    actions_enabled: bool = True
    alarm_actions: Sequence[str] = ()
    alarm_description: str | None = None
    insufficient_data_actions: Sequence[str] = ()
    ok_actions: Sequence[str] = ()
    tags: Mapping[str, str] = {}

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


def _alarm_arn(cloud: Cloud, name: str) -> str:
    return f"arn:aws:cloudwatch:{cloud.region}:{cloud.account_id}:alarm:{name}"


@handles("aws:cloudwatch/dashboard:Dashboard")
class Dashboard(Resource):
    dashboard_name: str
    dashboard_body: str

    def create(self, cloud: Cloud) -> Created:
        cloud.client("cloudwatch").put_dashboard(DashboardName=self.dashboard_name, DashboardBody=self.dashboard_body)
        arn = f"arn:aws:cloudwatch::{cloud.account_id}:dashboard/{self.dashboard_name}"
        return Created(self.dashboard_name, {"dashboardArn": arn})
