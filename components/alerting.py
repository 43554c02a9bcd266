"""Who is told when something is wrong, and where to look: alarms, the alert topic, the dashboard, saved queries."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.alarms import Alarm, Metric, Watched, alarms
from components.blocks.budget import Budget, BudgetArgs
from components.blocks.iam import allow_service, deny_plaintext, policy_document
from components.blocks.malware import ScanWatch, ScanWatchArgs
from components.dashboard import dashboard_body
from components.insights import saved_queries
from components.stack_context import StackContext


@dataclass(frozen=True, kw_only=True)
class AlertingArgs:
    watched: Watched


class Alerting(pulumi.ComponentResource):
    """Every alarm reaches the alert topic: e-mail hears all of them, pagers the one that stands for the urgent ones."""

    topic_arn: pulumi.Output[str]
    alarm_names: list[str]
    paging_alarm_name: str
    budget_name: str
    dashboard_url: str

    def __init__(self, name: str, args: AlertingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:Alerting", name, None, opts)
        watched, context = args.watched, args.watched.context
        self.paging_alarm_name = context.name("paging")
        self.topic_arn = self._topic(f"{name}-alerts", args)

        self.alarm_names, paging = [], []
        for alarm in alarms(watched):
            created = self._alarm(f"{name}-{alarm.name}", alarm, args)
            self.alarm_names.append(context.name(alarm.name))
            if alarm.pages:
                paging.append(created.name)
        aws.cloudwatch.CompositeAlarm(
            f"{name}-paging",
            alarm_name=self.paging_alarm_name,
            alarm_description=_description(
                "Files are being lost from sight or not worked on; one of the alarms named in the rule has gone off.",
                f"aws cloudwatch describe-alarms --state-value ALARM --alarm-name-prefix {context.name('')}",
            ),
            alarm_rule=pulumi.Output.all(*paging).apply(
                lambda names: " OR ".join(f'ALARM("{alarm_name}")' for alarm_name in names)
            ),
            alarm_actions=[self.topic_arn],
            # A pager closes its incident by itself.
            ok_actions=[self.topic_arn],
            tags=context.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.budget_name = context.name("monthly") if watched.settings.monthly_budget_usd else ""
        if self.budget_name:
            Budget(
                f"{name}-budget",
                BudgetArgs(
                    context=context,
                    budget_name=self.budget_name,
                    monthly_limit_usd=watched.settings.monthly_budget_usd,
                    alert_topic_arn=self.topic_arn,
                ),
                pulumi.ResourceOptions(parent=self),
            )
        if watched.settings.malware_scan:
            ScanWatch(
                f"{name}-scan-watch",
                ScanWatchArgs(
                    context=context,
                    rule_name=_scan_watch_name(context),
                    bucket_name=watched.ingest.bucket.name,
                    alert_topic_arn=self.topic_arn,
                ),
                pulumi.ResourceOptions(parent=self),
            )
        dashboard_name = context.name("dashboard")
        aws.cloudwatch.Dashboard(
            f"{name}-dashboard",
            dashboard_name=dashboard_name,
            dashboard_body=dashboard_body(watched),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.dashboard_url = (
            f"https://{context.region}.console.aws.amazon.com/cloudwatch/home"
            f"?region={context.region}#dashboards/dashboard/{dashboard_name}"
        )
        for query in saved_queries(watched):
            aws.cloudwatch.QueryDefinition(
                f"{name}-{query.name}",
                name=f"{context.name('queries')}/{query.name}",
                log_group_names=list(query.log_group_names),
                query_string=query.query,
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"topic_arn": self.topic_arn})

    def _topic(self, name: str, args: AlertingArgs) -> pulumi.Output[str]:
        child = pulumi.ResourceOptions(parent=self)
        context, settings = args.watched.context, args.watched.settings
        topic = aws.sns.Topic(
            name,
            name=context.name("alerts"),
            # CloudWatch may not use the key that AWS manages for SNS, and that key's policy cannot be changed ("Why
            # didn't I receive an SNS notification for my CloudWatch alarm trigger?"); alarms name resources, not files.
            kms_master_key_id=context.key_arn,
            tags=context.tags,
            opts=child,
        )
        senders = {"PublishAlarms": ("cloudwatch", context.arn("cloudwatch", f"alarm:{context.name('*')}"))}
        if settings.monthly_budget_usd:
            # A budget belongs to no region. As in "Creating an Amazon SNS topic for budget notifications".
            budgets = f"arn:{context.partition}:budgets::{context.account_id}:*"
            senders["PublishBudget"] = ("budgets", budgets)
        if settings.malware_scan:
            senders["PublishScanWatch"] = ("events", context.arn("events", f"rule/{_scan_watch_name(context)}"))
        aws.sns.TopicPolicy(
            name,
            arn=topic.arn,
            policy=policy_document(
                [
                    deny_plaintext("sns:Publish", [topic.arn]),
                    *(
                        allow_service(
                            sid,
                            f"{service}.amazonaws.com",
                            ["sns:Publish"],
                            topic.arn,
                            {
                                "StringEquals": {"aws:SourceAccount": context.account_id},
                                "ArnLike": {"aws:SourceArn": source_arn},
                            },
                        )
                        for sid, (service, source_arn) in senders.items()
                    ),
                ]
            ),
            opts=child,
        )
        for index, address in enumerate(settings.alert_emails):
            aws.sns.TopicSubscription(
                f"{name}-email-{index}", topic=topic.arn, protocol="email", endpoint=address, opts=child
            )
        for index, endpoint in enumerate(settings.alert_https_endpoints):
            aws.sns.TopicSubscription(
                f"{name}-https-{index}",
                topic=topic.arn,
                protocol="https",
                endpoint=pulumi.Output.secret(endpoint),
                endpoint_auto_confirms=True,
                filter_policy_scope="MessageBody",
                filter_policy=pulumi.Output.json_dumps({"AlarmName": [self.paging_alarm_name]}),
                opts=child,
            )
        return topic.arn

    def _alarm(self, name: str, alarm: Alarm, args: AlertingArgs) -> aws.cloudwatch.MetricAlarm:
        context = args.watched.context
        return aws.cloudwatch.MetricAlarm(
            name,
            name=context.name(alarm.name),
            alarm_description=_description(alarm.meaning, alarm.command),
            metric_queries=_metric_queries(alarm),
            comparison_operator=alarm.comparison,
            threshold=alarm.threshold,
            evaluation_periods=alarm.periods,
            datapoints_to_alarm=alarm.periods,
            treat_missing_data="notBreaching",
            alarm_actions=[self.topic_arn],
            tags=context.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )


def _scan_watch_name(context: StackContext) -> str:
    return context.name("malware-scan-trouble")


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
