"""The budget: which costs it includes, and when it notifies the alert topic."""

import json

from policies.recording import ACCOUNT_ID, Recording


def test_no_stack_has_a_budget_unless_it_sets_one(prod: Recording) -> None:
    assert prod.of_type("aws:budgets/budget:Budget") == []
    assert prod.outputs["budgetName"] == ""
    assert "budgets.amazonaws.com" not in prod.one("TopicPolicy", arn=prod.outputs["alertTopicArn"]).inputs["policy"]


def test_the_budget_includes_the_monthly_cost_of_this_stack_only(full: Recording) -> None:
    budget = full.one("aws:budgets/budget:Budget").inputs
    assert full.outputs["budgetName"] == budget["name"]
    assert (budget["limitAmount"], budget["limitUnit"], budget["timeUnit"]) == ("500", "USD", "MONTHLY")
    tags = [part["tags"] for part in budget["filterExpression"]["ands"]]
    assert tags == [{"key": "user:Project", "values": ["img-pipeline"]}, {"key": "user:Stack", "values": [full.stack]}]


def test_it_notifies_the_alert_topic_at_80_percent_spent_and_100_percent_forecast(full: Recording) -> None:
    notifications = full.one("aws:budgets/budget:Budget").inputs["notifications"]
    assert {(each["notificationType"], each["threshold"]) for each in notifications} == {
        ("ACTUAL", 80),
        ("FORECASTED", 100),
    }
    for each in notifications:
        assert each["thresholdType"] == "PERCENTAGE"
        assert each["comparisonOperator"] == "GREATER_THAN"
        assert each["subscriberSnsTopicArns"] == [full.outputs["alertTopicArn"]]


def test_the_topic_and_its_key_allow_budgets_of_this_account(full: Recording) -> None:
    topic_policy = full.one("TopicPolicy", arn=full.outputs["alertTopicArn"]).inputs["policy"]
    statement = _statement_for(topic_policy, "budgets.amazonaws.com")
    assert statement["Action"] == ["sns:Publish"]
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT_ID}
    assert statement["Condition"]["ArnLike"] == {"aws:SourceArn": f"arn:aws:budgets::{ACCOUNT_ID}:*"}
    key_statement = _statement_for(full.one("aws:kms/key:Key").inputs["policy"], "budgets.amazonaws.com")
    assert key_statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}}


def _statement_for(policy: str, service: str) -> dict:
    (statement,) = [
        statement
        for statement in json.loads(policy)["Statement"]
        if statement["Principal"] != "*" and statement["Principal"].get("Service") == service
    ]
    return statement
