"""Queues, dead-letter queues, the rule, the pipe and the subscriptions: no message is lost."""

import json

from components.blocks.pipe import INPUT_TEMPLATE
from policies.recording import ACCOUNT_ID, Recording, Resource
from tests.infra.conftest import state_machine

QUEUE = "aws:sqs/queue:Queue"


def source_queues(recording: Recording) -> list[Resource]:
    return [queue for queue in recording.of_type(QUEUE) if not queue.inputs["name"].endswith("-dlq")]


def redrive(queue: Resource) -> dict:
    return json.loads(queue.inputs["redrivePolicy"])


def test_a_dead_letter_queue_accepts_messages_of_its_source_queue_only(recording: Recording) -> None:
    allowed = {
        policy.inputs["queueUrl"].rsplit("/")[-1]: json.loads(policy.inputs["redriveAllowPolicy"])
        for policy in recording.of_type("RedriveAllowPolicy")
    }
    for queue in source_queues(recording):
        dead_letter_name = redrive(queue)["deadLetterTargetArn"].rsplit(":")[-1]
        assert allowed[dead_letter_name] == {"redrivePermission": "byQueue", "sourceQueueArns": [queue.arn]}


def test_visibility_timeout_is_six_workflow_timeouts(recording: Recording) -> None:
    queue = recording.one(QUEUE, name=f"img-pipeline-{recording.stack}-transform-queue")
    machine = state_machine(recording)
    workflow_timeout = json.loads(machine.inputs["definition"])["TimeoutSeconds"]
    assert queue.inputs["visibilityTimeoutSeconds"] >= 6 * workflow_timeout


def test_max_receive_count_is_five(recording: Recording) -> None:
    queue = recording.one(QUEUE, name=f"img-pipeline-{recording.stack}-transform-queue")
    assert redrive(queue)["maxReceiveCount"] == 5


def test_retention_is_longer_than_all_receives_of_a_message(recording: Recording) -> None:
    for queue in source_queues(recording):
        tries_seconds = queue.inputs["visibilityTimeoutSeconds"] * redrive(queue)["maxReceiveCount"]
        assert tries_seconds <= queue.inputs["messageRetentionSeconds"], queue


def test_the_rules_take_uploads_to_the_ingest_bucket_and_their_deletions_and_nothing_else(recording: Recording) -> None:
    rules = {
        rule.inputs["name"].removeprefix(f"img-pipeline-{recording.stack}-"): rule
        for rule in recording.of_type("EventRule")
    }
    assert {rule.inputs["state"] for rule in rules.values()} == {"ENABLED"}
    of_uploads = {
        "bucket": {"name": [f"img-pipeline-{recording.stack}-ingest-{ACCOUNT_ID}"]},
        "object": {"key": [{"prefix": "uploads/"}]},
    }
    assert {role: json.loads(rule.inputs["eventPattern"]) for role, rule in rules.items()} == {
        "object-created": {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": of_uploads},
        # What the bucket's lifecycle removes has another reason.
        "object-deleted": {
            "source": ["aws.s3"],
            "detail-type": ["Object Deleted"],
            "detail": {**of_uploads, "reason": ["DeleteObject"]},
        },
    }
    (notification,) = recording.of_type("BucketNotification")
    assert notification.inputs["eventbridge"] is True
    assert notification.inputs["bucket"] == f"img-pipeline-{recording.stack}-ingest-{ACCOUNT_ID}"


def test_events_the_rule_cannot_deliver_are_retried_and_then_kept(recording: Recording) -> None:
    targets = [
        target for target in recording.of_type("EventTarget") if target.inputs.get("targetId") == "transform-queue"
    ]
    prefix = f"arn:aws:sqs:eu-west-1:{ACCOUNT_ID}:img-pipeline-{recording.stack}-"
    assert len(targets) == 2
    for target in targets:
        assert target.inputs["arn"] == f"{prefix}transform-queue"
        assert target.inputs["deadLetterConfig"] == {"arn": f"{prefix}delivery-dlq"}
        # A day, which is the longest that EventBridge tries.
        assert target.inputs["retryPolicy"] == {"maximumEventAgeInSeconds": 86_400, "maximumRetryAttempts": 185}


def test_the_pipe_receives_one_message_and_waits_for_the_result(recording: Recording) -> None:
    pipe = recording.one("Pipe")
    machine = state_machine(recording)
    assert pipe.inputs["source"].endswith(":img-pipeline-" + recording.stack + "-transform-queue")
    assert pipe.inputs["target"] == machine.arn
    # A batching window would change what the visibility timeout has to be.
    assert pipe.inputs["sourceParameters"] == {"sqsQueueParameters": {"batchSize": 1}}
    parameters = pipe.inputs["targetParameters"]
    assert parameters["stepFunctionStateMachineParameters"] == {"invocationType": "REQUEST_RESPONSE"}
    assert parameters["inputTemplate"] == INPUT_TEMPLATE
    assert pipe.inputs["desiredState"] == "RUNNING"


def test_the_pipe_template_turns_a_message_into_the_workflow_input() -> None:
    body = json.dumps({"detail": {"object": {"key": "uploads/ä b.jpg"}}})
    filled = (
        INPUT_TEMPLATE.replace("<$.messageId>", json.dumps("m-1"))
        .replace("<$.attributes.ApproximateReceiveCount>", json.dumps("2"))
        .replace("<$.body>", body)
    )
    assert json.loads(filled) == {"messageId": "m-1", "receiveCount": "2", "event": json.loads(body)}


def test_each_subscriber_receives_the_results_of_its_filter(full: Recording) -> None:
    catalogue, audit = (
        full.one("TopicSubscription", endpoint=f"arn:aws:sqs:eu-west-1:{ACCOUNT_ID}:img-pipeline-prod-results-{name}")
        for name in ("catalogue", "audit")
    )
    assert json.loads(catalogue.inputs["filterPolicy"]) == {
        "outcome": ["COMPLETED"],
        "mediaType": ["image/jpeg", "image/png"],
    }
    assert "filterPolicy" not in audit.inputs
    # The message itself is the body, and what filters match stands beside it.
    assert catalogue.inputs["rawMessageDelivery"] is audit.inputs["rawMessageDelivery"] is True


def test_a_result_that_is_not_delivered_moves_to_the_dead_letter_queue(full: Recording) -> None:
    for name in ("catalogue", "audit"):
        queue_arn = f"arn:aws:sqs:eu-west-1:{ACCOUNT_ID}:img-pipeline-prod-results-{name}"
        subscription = full.one("TopicSubscription", endpoint=queue_arn)
        assert json.loads(subscription.inputs["redrivePolicy"]) == {"deadLetterTargetArn": f"{queue_arn}-dlq"}
        topic = full.one("aws:sns/topic:Topic", name="img-pipeline-prod-results")
        for url_name in (f"results-{name}", f"results-{name}-dlq"):
            url = f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT_ID}/img-pipeline-prod-{url_name}"
            policy = full.one("QueuePolicy", queueUrl=url)
            senders = [
                statement["Condition"]["ArnEquals"]["aws:SourceArn"]
                for statement in json.loads(policy.inputs["policy"])["Statement"]
                if statement["Effect"] == "Allow"
            ]
            assert senders == [topic.arn]
