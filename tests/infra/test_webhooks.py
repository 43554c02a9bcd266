"""Webhooks: off unless somebody is to be told, bounded, kept when given up, and signed with a secret nobody typed."""

import json

import pytest

from components.settings import SettingsError
from contract.webhooks import MAX_ATTEMPTS
from policies.recording import ACCOUNT_ID, Recording, Resource, run

URL = "https://hooks.example.com/img?team=media"
MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
QUEUE = "aws:sqs/queue:Queue"


@pytest.fixture(scope="module")
def hooked() -> Recording:
    return run("dev", {"webhooks": {"endpoints": {"catalogue": {"url": URL, "outcomes": ["COMPLETED"]}}}})


def mappings(recording: Recording) -> list[Resource]:
    """What has Lambda take messages of the webhooks' queue."""
    queue = f":img-pipeline-{recording.stack}-webhooks"
    return [each for each in recording.of_type(MAPPING) if each.inputs["eventSourceArn"].endswith(queue)]


def test_there_are_none_unless_somebody_is_to_be_told(dev: Recording) -> None:
    assert mappings(dev) == dev.of_type("Secret") == []
    assert "webhook" not in dev.outputs["functionNames"]
    assert {dev.outputs[name] for name in ("webhooksQueueUrl", "webhooksDlqUrl", "webhooksSecretArn")} == {""}


def test_callback_hosts_alone_switch_them_on_and_only_with_the_api() -> None:
    hosts = {"callbackHosts": ["hooks.example.com"]}
    assert mappings(run("dev", {"api": hosts}))
    assert mappings(run("dev", {"api": {**hosts, "enabled": False}})) == []


def test_function_takes_a_bounded_number_of_batches_and_reports_each_message(hooked: Recording) -> None:
    (mapping,) = (each.inputs for each in mappings(hooked))
    assert mapping["functionName"].endswith(":function:img-pipeline-dev-webhook:live")
    assert mapping["functionResponseTypes"] == ["ReportBatchItemFailures"]
    assert 2 <= mapping["scalingConfig"]["maximumConcurrency"] <= 10


def test_message_is_hidden_six_times_as_long_as_the_function_may_run(hooked: Recording) -> None:
    queue = hooked.one(QUEUE, name="img-pipeline-dev-webhooks").inputs
    function = hooked.one("aws:lambda/function:Function", name="img-pipeline-dev-webhook").inputs
    assert queue["visibilityTimeoutSeconds"] >= 6 * function["timeout"]


def test_delivery_that_is_given_up_is_kept_and_raises_an_alarm(hooked: Recording) -> None:
    dead_letters = hooked.one(QUEUE, name="img-pipeline-dev-webhooks-dlq")
    queue = hooked.one(QUEUE, name="img-pipeline-dev-webhooks")
    assert json.loads(queue.inputs["redrivePolicy"]) == {
        "deadLetterTargetArn": dead_letters.arn,
        "maxReceiveCount": MAX_ATTEMPTS,
    }
    alarm = hooked.one("MetricAlarm", name="img-pipeline-dev-webhooks-dlq-depth").inputs
    assert alarm["name"] in hooked.outputs["alarmNames"]
    assert alarm["threshold"] == 0


def test_every_result_reaches_the_queue_as_it_was_published(hooked: Recording) -> None:
    queue = hooked.one(QUEUE, name="img-pipeline-dev-webhooks")
    subscription = hooked.one("TopicSubscription", endpoint=queue.arn).inputs
    assert subscription["topic"] == hooked.outputs["resultsTopicArn"]
    assert subscription["rawMessageDelivery"] is True
    assert "filterPolicy" not in subscription


def test_secret_has_no_value_in_the_program_or_its_state(hooked: Recording) -> None:
    assert hooked.one("Secret").inputs["name"] == "img-pipeline-dev-webhooks"
    assert hooked.of_type("SecretVersion") == []


def test_function_is_told_who_is_to_be_told(hooked: Recording) -> None:
    function = hooked.one("aws:lambda/function:Function", name="img-pipeline-dev-webhook").inputs
    told = json.loads(function["environment"]["variables"]["WEBHOOK_SETTINGS"])
    assert told["endpoints"] == {"catalogue": {"url": URL, "outcomes": ["COMPLETED"]}}
    assert told["allow_private_addresses"] is False


def test_function_may_use_its_queue_its_secret_and_the_jobs_table_and_nothing_else(hooked: Recording) -> None:
    policy = json.loads(hooked.one("RolePolicy", role="img-pipeline-dev-webhook").inputs["policy"])
    granted = {
        (action, resource)
        for statement in policy["Statement"]
        for action in statement["Action"]
        for resource in statement["Resource"]
        if not action.startswith(("logs:", "xray:"))
    }
    queue = hooked.one(QUEUE, name="img-pipeline-dev-webhooks").arn
    jobs = f"arn:aws:dynamodb:eu-west-1:{ACCOUNT_ID}:table/img-pipeline-dev-jobs"
    queue_actions = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "SendMessage", "ChangeMessageVisibility")
    assert granted == {
        *((f"sqs:{action}", queue) for action in queue_actions),
        ("dynamodb:GetItem", jobs),
        ("dynamodb:PutItem", jobs),
        ("secretsmanager:GetSecretValue", hooked.one("Secret").arn),
    }


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "https://hooks.example.com:8443/",
        "https://user:password@hooks.example.com/",
        "https://[::1]/",
        "ftp://hooks.example.com/",
        "hooks.example.com",
    ],
)
def test_url_that_would_be_refused_at_run_time_is_refused_here(url: str) -> None:
    with pytest.raises(SettingsError, match=r"webhooks\.endpoints\.hook\.url"):
        run("dev", {"webhooks": {"endpoints": {"hook": {"url": url}}}})


def test_private_addresses_are_for_those_who_say_so() -> None:
    settings = {"endpoints": {"hook": {"url": "http://127.0.0.1:9000/"}}, "allowPrivateAddresses": True}
    function = run("dev", {"webhooks": settings}).one("aws:lambda/function:Function", name="img-pipeline-dev-webhook")
    told = json.loads(function.inputs["environment"]["variables"]["WEBHOOK_SETTINGS"])
    assert told["allow_private_addresses"] is True
