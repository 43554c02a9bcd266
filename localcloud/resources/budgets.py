"""AWS Budgets: stored and readable; the embedded cloud has no costs."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any, ClassVar, Self

from localcloud.resources import tags as tag_apis
from localcloud.resources.base import Cloud, Created, Properties, TaggedResource, given, handles, pascal_case, tag_list


class TagValues(Properties):
    key: str
    values: Sequence[str]


class FilterPart(Properties):
    tags: TagValues


class FilterExpression(Properties):
    ands: Sequence[FilterPart]


class Notification(Properties):
    comparison_operator: str
    notification_type: str
    threshold: float
    threshold_type: str
    subscriber_email_addresses: Sequence[str] = ()
    subscriber_sns_topic_arns: Sequence[str] = ()

    def request(self) -> dict[str, Any]:
        subscribers = [("SNS", arn) for arn in self.subscriber_sns_topic_arns]
        subscribers += [("EMAIL", address) for address in self.subscriber_email_addresses]
        return {
            "Notification": {
                "NotificationType": self.notification_type,
                "ComparisonOperator": self.comparison_operator,
                "Threshold": self.threshold,
                "ThresholdType": self.threshold_type,
            },
            "Subscribers": [{"SubscriptionType": kind, "Address": address} for kind, address in subscribers],
        }


@handles("aws:budgets/budget:Budget")
class Budget(TaggedResource):
    identity: ClassVar = ("name",)
    tag_api: ClassVar = tag_apis.BUDGETS

    name: str
    budget_type: str
    time_unit: str
    limit_amount: str
    limit_unit: str
    metrics: str | None = None
    filter_expression: FilterExpression | None = None
    notifications: Sequence[Notification] = ()

    def create(self, cloud: Cloud) -> Created:
        budgets = cloud.client("budgets")
        # UpdateBudget does not change a budget's notifications.
        with contextlib.suppress(budgets.exceptions.NotFoundException):
            budgets.delete_budget(AccountId=cloud.account_id, BudgetName=self.name)
        budgets.create_budget(
            AccountId=cloud.account_id,
            Budget={
                "BudgetName": self.name,
                "BudgetType": self.budget_type,
                "TimeUnit": self.time_unit,
                "BudgetLimit": {"Amount": self.limit_amount, "Unit": self.limit_unit},
                **given(Metrics=self.metrics and [self.metrics], FilterExpression=self._filter()),
            },
            NotificationsWithSubscribers=[notification.request() for notification in self.notifications],
            ResourceTags=tag_list(self.tags),
        )
        arn = f"arn:aws:budgets::{cloud.account_id}:budget/{self.name}"
        return Created(f"{cloud.account_id}:{self.name}", {"arn": arn, "accountId": cloud.account_id})

    def _filter(self) -> dict[str, Any] | None:
        if self.filter_expression is None:
            return None
        return {"And": [{"Tags": pascal_case(part.tags.model_dump())} for part in self.filter_expression.ands]}

    def read(self, cloud: Cloud, resource_id: str) -> Self:  # noqa: ARG002 (the API needs the name)
        found = cloud.client("budgets").describe_budget(AccountId=cloud.account_id, BudgetName=self.name)["Budget"]
        amount = found["BudgetLimit"]["Amount"]
        return self.with_actual_values(
            budget_type=found["BudgetType"],
            # The API returns amounts with more digits.
            limit_amount=self.limit_amount if float(amount) == float(self.limit_amount) else amount,
            limit_unit=found["BudgetLimit"]["Unit"],
            time_unit=found["TimeUnit"],
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:  # noqa: ARG002 (the API needs the name)
        cloud.client("budgets").delete_budget(AccountId=cloud.account_id, BudgetName=self.name)
