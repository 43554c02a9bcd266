"""Whether the stack's budget, if it has one, counts what the stack costs."""

from __future__ import annotations

from collections.abc import Iterator

from client.pipeline import Pipeline
from contract.names import PROJECT_TAG, STACK_TAG
from operations.doctor.findings import Finding, fail, ok, redeploy, warn

# What components/blocks/budget.py filters by.
TAGS = (PROJECT_TAG, STACK_TAG)


def budget_is_active(pipeline: Pipeline) -> Iterator[Finding]:
    """The stack's budget exists and notifies the alert topic, and its cost allocation tags are active."""
    name = pipeline.outputs.budget_name
    if not name:
        yield ok("none set")
        return
    account_id = pipeline.outputs.alert_topic_arn.split(":")[4]
    budgets = pipeline.client("budgets")
    budget = budgets.describe_budget(AccountId=account_id, BudgetName=name)["Budget"]
    spent, limit = budget["CalculatedSpend"]["ActualSpend"]["Amount"], budget["BudgetLimit"]["Amount"]
    notifications = budgets.describe_notifications_for_budget(AccountId=account_id, BudgetName=name)["Notifications"]
    if not notifications:
        yield fail(f"{name} has no notification", redeploy(pipeline))
    inactive = [] if pipeline.local else _inactive_tags(pipeline)
    if inactive:
        yield warn(
            f"{name} counts no cost: the cost allocation tag {' and '.join(inactive)} is not activated",
            "activate it in the payer account: aws ce update-cost-allocation-tags-status --cost-allocation-tags-status "
            + " ".join(f"TagKey={tag},Status=Active" for tag in inactive),
        )
    else:
        yield ok(f"{float(spent):.2f} of {float(limit):.0f} USD this month")


def _inactive_tags(pipeline: Pipeline) -> list[str]:
    listed = pipeline.client("ce").list_cost_allocation_tags(TagKeys=list(TAGS))["CostAllocationTags"]
    active = {tag["TagKey"] for tag in listed if tag["Status"] == "Active"}
    return [tag for tag in TAGS if tag not in active]
