"""A monthly cost budget in AWS Budgets."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.stack_context import StackContext
from contract.names import PROJECT_TAG, STACK_TAG

# Thresholds that leave time to act: 80 % of the limit spent, or a forecast above the limit.
SPENT_PERCENT = 80
FORECAST_PERCENT = 100
# AWS Budgets prefixes user-defined cost allocation tags; without the prefix the filter matches no cost.
USER_TAG = "user:"


@dataclass(frozen=True, kw_only=True)
class BudgetArgs:
    context: StackContext
    budget_name: str
    monthly_limit_usd: int
    alert_topic_arn: pulumi.Input[str]


class Budget(pulumi.ComponentResource):
    """Notifies the alert topic when the stack's resources exceed the budget.

    The filter is their tags, which must be activated once for the account ("Activating user-defined cost allocation
    tags", AWS Billing); until then the budget includes no cost, and `img-pipeline doctor` reports it.
    """

    def __init__(self, name: str, args: BudgetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:Budget", name, None, opts)
        context = args.context
        aws.budgets.Budget(
            name,
            name=args.budget_name,
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(args.monthly_limit_usd),
            limit_unit="USD",
            metrics="UnblendedCost",
            filter_expression={
                "ands": [
                    {"tags": {"key": f"{USER_TAG}{key}", "values": [context.tags[key]]}}
                    for key in (PROJECT_TAG, STACK_TAG)
                ]
            },
            notifications=[
                _above("ACTUAL", SPENT_PERCENT, args.alert_topic_arn),
                _above("FORECASTED", FORECAST_PERCENT, args.alert_topic_arn),
            ],
            tags=context.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


def _above(kind: str, percent: int, topic_arn: pulumi.Input[str]) -> aws.budgets.BudgetNotificationArgsDict:
    return {
        "notification_type": kind,
        "comparison_operator": "GREATER_THAN",
        "threshold": percent,
        "threshold_type": "PERCENTAGE",
        "subscriber_sns_topic_arns": [topic_arn],
    }
