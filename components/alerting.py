"""Monitoring: alarms, the alert topic, the budget, the dashboard and saved queries."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.blocks.alarm import AlarmsArgs, create_alarms
from components.blocks.alert_topic import AlertTopicArgs, create_alert_topic
from components.blocks.budget import Budget, BudgetArgs
from components.blocks.dashboard import dashboard_body
from components.blocks.inventory import Inventory
from components.blocks.malware import ScanAlert, ScanAlertArgs
from components.blocks.monitoring import Monitored, Row, SavedQuery
from components.settings import Settings
from components.stack_context import StackContext


@dataclass(frozen=True, kw_only=True)
class AlertingArgs:
    """`layers` provide the alarms, dashboard rows and saved queries, in the dashboard's order."""

    context: StackContext
    settings: Settings
    layers: Sequence[Monitored]
    ingest_bucket_name: pulumi.Input[str]


class Alerting(pulumi.ComponentResource):
    """Every alarm notifies the alert topic: e-mail receives all of them, pagers only those that page.

    With full monitoring, pagers receive one composite alarm over those. Otherwise the essential alarms alone exist, and
    neither the composite alarm nor the dashboard: their names are empty.
    """

    topic_arn: pulumi.Output[str]
    alarm_names: list[str]
    paging_alarm_name: str
    budget_name: str
    dashboard_url: str

    def __init__(self, name: str, args: AlertingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:Alerting", name, None, opts)
        self._prefix, self._args = name, args
        monitoring = [layer.monitoring() for layer in args.layers]
        full = args.settings.has_full_monitoring
        alarms = [alarm for each in monitoring for alarm in each.alarms if full or alarm.essential]
        self.alarm_names = [args.context.name(alarm.name) for alarm in alarms]
        self.paging_alarm_name = args.context.name("paging") if full else ""
        paging = [args.context.name(alarm.name) for alarm in alarms if alarm.pages]
        self.topic_arn = self._topic([self.paging_alarm_name] if full else paging)
        create_alarms(
            name,
            AlarmsArgs(
                context=args.context,
                alarms=alarms,
                topic_arn=self.topic_arn,
                paging_alarm_name=self.paging_alarm_name,
            ),
            self,
        )
        self.budget_name = self._budget()
        if args.settings.malware_scan:
            self._scan_alert()
        self.dashboard_url = self._dashboard([row for each in monitoring for row in each.rows]) if full else ""
        for each in monitoring:
            self._save(each.queries)
        self.register_outputs({"topic_arn": self.topic_arn})

    def inventory(self) -> Inventory:
        """The topic, the alarms, the budget and the dashboard."""
        return Inventory(
            outputs={
                "alert_topic_arn": self.topic_arn,
                "alarm_names": self.alarm_names,
                "paging_alarm_name": self.paging_alarm_name,
                "budget_name": self.budget_name,
                "dashboard_url": self.dashboard_url,
            }
        )

    def _topic(self, paging_alarm_names: Sequence[str]) -> pulumi.Output[str]:
        context, settings = self._args.context, self._args.settings
        senders = {"PublishAlarms": ("cloudwatch", context.arn("cloudwatch", f"alarm:{context.name('*')}"))}
        if settings.monthly_budget_usd:
            # A budget has no region. As in "Creating an Amazon SNS topic for budget notifications".
            senders["PublishBudget"] = ("budgets", f"arn:{context.partition}:budgets::{context.account_id}:*")
        if settings.malware_scan:
            senders["PublishScanAlerts"] = ("events", context.arn("events", f"rule/{_scan_alert_rule_name(context)}"))
        return create_alert_topic(
            f"{self._prefix}-alerts",
            AlertTopicArgs(
                context=context,
                senders=senders,
                emails=settings.alert_emails,
                https_endpoints=settings.alert_https_endpoints,
                paging_alarm_names=paging_alarm_names,
            ),
            self,
        )

    def _budget(self) -> str:
        """Create the budget if the settings have a limit.

        Returns:
            The budget's name; empty without a limit.
        """
        limit_usd = self._args.settings.monthly_budget_usd
        if not limit_usd:
            return ""
        budget_name = self._args.context.name("monthly")
        Budget(
            f"{self._prefix}-budget",
            BudgetArgs(
                context=self._args.context,
                budget_name=budget_name,
                monthly_limit_usd=limit_usd,
                alert_topic_arn=self.topic_arn,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        return budget_name

    def _scan_alert(self) -> None:
        ScanAlert(
            f"{self._prefix}-scan-alert",
            ScanAlertArgs(
                context=self._args.context,
                rule_name=_scan_alert_rule_name(self._args.context),
                bucket_name=self._args.ingest_bucket_name,
                alert_topic_arn=self.topic_arn,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _dashboard(self, rows: Sequence[Row]) -> str:
        """Create the dashboard.

        Returns:
            Its URL in the console.
        """
        context = self._args.context
        dashboard_name = context.name("dashboard")
        aws.cloudwatch.Dashboard(
            f"{self._prefix}-dashboard",
            dashboard_name=dashboard_name,
            dashboard_body=dashboard_body(rows, context.region),
            opts=pulumi.ResourceOptions(parent=self),
        )
        console = f"https://{context.region}.console.aws.amazon.com/cloudwatch/home"
        return f"{console}?region={context.region}#dashboards/dashboard/{dashboard_name}"

    def _save(self, queries: Sequence[SavedQuery]) -> None:
        for query in queries:
            aws.cloudwatch.QueryDefinition(
                f"{self._prefix}-{query.name}",
                name=f"{self._args.context.name('queries')}/{query.name}",
                log_group_names=list(query.log_group_names),
                query_string=query.query,
                opts=pulumi.ResourceOptions(parent=self),
            )


def _scan_alert_rule_name(context: StackContext) -> str:
    return context.name("malware-scan-trouble")
