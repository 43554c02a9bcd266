"""Failures: kept in the dead-letter queue, with an alarm, and replayed."""

from __future__ import annotations

from localcloud.rehearsal import Pager
from testing.stack import Stack
from testing.waiting import eventually


def test_a_failing_transform_moves_to_the_dead_letter_queue_raises_the_alarm_and_is_replayed(stack: Stack) -> None:
    sqs = stack.cloud.client("sqs")
    pager = Pager.on(stack.cloud, stack.outputs["alertTopicArn"])
    transform_dlq = stack.outputs["transformDlqUrl"]

    with stack.broken("watermark", SETTINGS="{"):
        upload = stack.upload("uploads/unlucky.jpg")
        eventually(lambda: stack.pipeline.queue_depth(transform_dlq) == 1, "the dead letter", 120)
    job = stack.pipeline.job(upload)
    assert job is not None
    assert job["status"] == "FAILED"
    assert job["attempt"] == 5
    assert [stage["attempt"] for stage in job["stages"] if stage["stage"] == "FAILED"] == [1, 2, 3, 4, 5]
    assert job["reasonCode"]
    assert job["hint"]
    assert stack.pipeline.asset("uploads/unlucky.jpg") is None

    assert "transform-dlq" in eventually(lambda: pager.alarm("transform-dlq"), "the alarm", 60)["AlarmDescription"]

    (message,) = sqs.receive_message(QueueUrl=transform_dlq)["Messages"]
    sqs.send_message(QueueUrl=stack.outputs["transformQueueUrl"], MessageBody=message["Body"])
    sqs.delete_message(QueueUrl=transform_dlq, ReceiptHandle=message["ReceiptHandle"])

    (job,) = stack.finish(upload)
    assert job["status"] == "COMPLETED"
    assert "reasonCode" not in job
    assert len(stack.notifications(upload)) == 1
    assert stack.pipeline.queue_depth(transform_dlq) == 0
