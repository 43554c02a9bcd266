"""Webhooks against a receiver on this machine: signed, tried again, given up, and replayed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from client.webhooks import replay_webhooks, rotate_signing_keys, send_test, webhook_receivers
from contract.clock import SystemClock
from contract.webhooks import CALLBACK, Endpoint, SigningKeys, WebhookConfiguration
from testing.receiver import HANG, Receiver, Request, receiving
from testing.stack import Stack, deployed_stack
from testing.waiting import eventually

OTHERS = ("slow", "restarting", "redirecting", "gone", "failing")


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


@pytest.fixture(scope="module")
def hooked(receiver: Receiver) -> Iterator[Stack]:
    """A stack that tells the receiver: of every result at /all, of nothing that these tests upload elsewhere."""
    endpoints: dict[str, Any] = {
        name: {"url": f"{receiver.address}/{name}", "outcomes": ["DELETED"]} for name in OTHERS
    }
    endpoints["all"] = {"url": f"{receiver.address}/all"}
    endpoints["rejected"] = {"url": f"{receiver.address}/rejected", "outcomes": ["REJECTED"]}
    with deployed_stack(webhooks={"endpoints": endpoints, "allowPrivateAddresses": True}) as deployed:
        yield deployed


@pytest.fixture(scope="module", autouse=True)
def keys(hooked: Stack) -> SigningKeys:
    rotate_signing_keys(hooked.pipeline)
    return rotate_signing_keys(hooked.pipeline)


def about(receiver: Receiver, path: str, file_key: str) -> list[Request]:
    return [each for each in receiver.received(path) if json.loads(each.body)["data"]["fileKey"] == file_key]


def attempts(receiver: Receiver, path: str, count: int) -> list[Request]:
    """The first requests for a path, once there are so many."""
    eventually(lambda: len(receiver.received(path)) >= count, f"attempt {count} at {path}", timeout_seconds=60)
    return receiver.received(path)[:count]


def test_result_arrives_signed_with_both_keys_of_the_rotation(
    hooked: Stack, receiver: Receiver, keys: SigningKeys
) -> None:
    upload = hooked.upload("uploads/told.jpg")
    (job,) = hooked.finish(upload)

    (request,) = eventually(lambda: about(receiver, "/all", upload.file_key), "the webhook")

    current, previous = keys.secrets_of("all")
    for secret in (current, previous):
        told = Webhook(secret).verify(request.body, dict(request.headers))
    assert (told["type"], told["data"]["jobId"]) == ("AssetReady", job["jobId"])
    assert request.headers["content-type"] == "application/json"
    for other in (*keys.secrets_of("rejected"), SigningKeys(current="forged").secrets_of("all")[0]):
        with pytest.raises(WebhookVerificationError):
            Webhook(other).verify(request.body, dict(request.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(current).verify(request.body + b" ", dict(request.headers))


def test_endpoint_is_told_of_the_outcomes_that_it_asks_for_alone(hooked: Stack, receiver: Receiver) -> None:
    good, bad = hooked.upload("uploads/good.jpg"), hooked.upload("uploads/bad.jpg", b"no picture")
    hooked.finish(good, bad)

    eventually(lambda: about(receiver, "/rejected", bad.file_key), "the webhook about the rejection")
    eventually(lambda: about(receiver, "/all", good.file_key), "the webhook about the asset")

    assert about(receiver, "/rejected", good.file_key) == []


def test_receiver_that_is_down_gets_the_same_delivery_again(
    hooked: Stack, receiver: Receiver, keys: SigningKeys
) -> None:
    receiver.answers["/restarting"] = [503]

    sent = send_test(hooked.pipeline, "restarting")

    first, second = attempts(receiver, "/restarting", 2)
    assert [each.headers["webhook-id"] for each in (first, second)] == [sent, sent]
    assert first.body == second.body
    assert Webhook(keys.secrets_of("restarting")[0]).verify(second.body, dict(second.headers))["type"] == "WebhookTest"


def test_receiver_that_does_not_answer_is_given_up_for_now_and_delays_nobody(hooked: Stack, receiver: Receiver) -> None:
    receiver.answers["/slow"] = [HANG]

    send_test(hooked.pipeline, "slow")
    attempts(receiver, "/slow", 1)
    upload = hooked.upload("uploads/meanwhile.jpg")
    hooked.finish(upload)
    eventually(lambda: about(receiver, "/all", upload.file_key), "the other endpoint's webhook")
    assert len(receiver.received("/slow")) == 1

    first, second = attempts(receiver, "/slow", 2)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


def test_redirect_is_not_followed(hooked: Stack, receiver: Receiver) -> None:
    receiver.answers["/redirecting"] = [302, 307]

    send_test(hooked.pipeline, "redirecting")

    attempts(receiver, "/redirecting", 2)
    assert receiver.received("/elsewhere") == []


def test_receiver_that_is_gone_hears_nothing_more_until_it_is_enabled_again(hooked: Stack, receiver: Receiver) -> None:
    receiver.answers["/gone"] = [410]
    send_test(hooked.pipeline, "gone")

    def disabled() -> set[str]:
        return {each.name for each in webhook_receivers(hooked.pipeline) if each.disabled_at}

    assert eventually(disabled, "the disabled endpoint") == {"gone"}
    upload = hooked.upload("uploads/unheard.jpg")
    hooked.finish(upload)
    _delete(hooked, upload.file_key)
    eventually(lambda: about(receiver, "/failing", upload.file_key), "the others' webhook about the deletion")
    eventually(lambda: hooked.pipeline.queue_depth(hooked.outputs["webhooksQueueUrl"]) <= 1, "the end of deliveries")
    assert len(receiver.received("/gone")) == 1

    replay_webhooks(hooked.pipeline, "gone", rate=10, clock=SystemClock())
    send_test(hooked.pipeline, "gone")

    attempts(receiver, "/gone", 2)
    assert disabled() == set()


def test_delivery_that_was_given_up_is_replayed_as_it_was(hooked: Stack, receiver: Receiver) -> None:
    before = len(receiver.received("/failing"))
    receiver.answers["/failing"] = [500]
    sqs, url = hooked.cloud.client("sqs"), hooked.outputs["webhooksQueueUrl"]
    policy = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]
    sqs.set_queue_attributes(
        QueueUrl=url,
        Attributes={"RedrivePolicy": json.dumps({**json.loads(policy["RedrivePolicy"]), "maxReceiveCount": 1})},
    )

    sent = send_test(hooked.pipeline, "failing")
    attempts(receiver, "/failing", before + 1)
    eventually(lambda: hooked.pipeline.queue_depth(hooked.outputs["webhooksDlqUrl"]), "the dead letter", 60)
    sqs.set_queue_attributes(QueueUrl=url, Attributes=policy)
    result = replay_webhooks(hooked.pipeline, "failing", rate=10, clock=SystemClock())

    assert result.sent == 1
    again = attempts(receiver, "/failing", before + 2)[before:]
    assert [each.headers["webhook-id"] for each in again] == [sent, sent]


def test_jobs_own_callback_is_told_while_its_host_is_allowed(
    hooked: Stack, receiver: Receiver, keys: SigningKeys
) -> None:
    told, untold = "a" * 32, "b" * 32
    for job_id, url in ((told, f"{receiver.address}/callback"), (untold, "http://localhost/callback")):
        row = {"jobId": job_id, "status": "PENDING", "owner": "somebody", "callbackUrl": url}
        row |= {"fileKey": f"uploads/{job_id}/own.jpg", "createdAt": "2026-01-01T00:00:00.000Z"}
        hooked.cloud.client("dynamodb").put_item(
            TableName=hooked.outputs["jobsTable"], Item={name: {"S": value} for name, value in row.items()}
        )
    configuration = WebhookConfiguration(
        endpoints={"all": Endpoint(url=f"{receiver.address}/all")},
        callback_hosts=("127.0.0.1",),
        allow_private_addresses=True,
    )
    with hooked.broken("webhook", WEBHOOK_SETTINGS=configuration.to_json()):
        for job_id in (untold, told):
            hooked.finish(hooked.upload(f"uploads/{job_id}/own.jpg"))
        (request,) = attempts(receiver, "/callback", 1)
        eventually(lambda: about(receiver, "/all", f"uploads/{untold}/own.jpg"), "the other job's webhook")

    data = Webhook(keys.secrets_of("127.0.0.1")[0]).verify(request.body, dict(request.headers))["data"]
    assert data["jobId"] == told
    assert len(receiver.received("/callback")) == 1
    assert request.headers["webhook-id"] not in {each.headers["webhook-id"] for each in receiver.received("/all")}
    assert CALLBACK not in request.body.decode()


def test_function_used_each_of_its_permissions_and_was_denied_nothing(hooked: Stack) -> None:
    # The last test of this file: the others made the calls.
    role = hooked.outputs["roleArns"]["webhook"].rpartition("/")[2]
    decisions = [each for each in hooked.cloud.journal() if each.role == role]
    assert [each for each in decisions if not each.allowed] == []
    document = hooked.cloud.client("iam").get_role_policy(RoleName=role, PolicyName="permissions")["PolicyDocument"]
    granted = {
        (action, resource)
        for statement in document["Statement"]
        for action in statement["Action"]
        for resource in statement["Resource"]
        if not action.startswith(("logs:", "xray:"))
    }
    assert granted == {(each.action, each.resource) for each in decisions if not each.action.startswith("logs:")}


def _delete(stack: Stack, file_key: str) -> None:
    stack.cloud.client("s3").delete_object(Bucket=stack.outputs["ingestBucket"], Key=file_key)
