"""Tools for simulated incidents: a release that breaks a function, and a queue that receives alarm notifications."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.emulator import Emulator


def release(cloud: Emulator, function_name: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Publish a function version with other environment variables, point the alias to it, return the old variables."""
    lambda_ = cloud.client("lambda")
    before = lambda_.get_function_configuration(FunctionName=function_name)["Environment"]["Variables"]
    lambda_.update_function_configuration(
        FunctionName=function_name, Environment={"Variables": {**before, **environment}}
    )
    make_live(cloud, function_name, lambda_.publish_version(FunctionName=function_name)["Version"])
    return before


def make_live(cloud: Emulator, function_name: str, version: str) -> None:
    """Point a function's alias to a version."""
    lambda_ = cloud.client("lambda")
    (alias,) = lambda_.list_aliases(FunctionName=function_name)["Aliases"]
    lambda_.update_alias(FunctionName=function_name, Name=alias["Name"], FunctionVersion=version)


@dataclass(frozen=True, kw_only=True)
class Pager:
    """A queue that receives every alarm notification of a stack."""

    cloud: Emulator
    queue_url: str
    _notifications: list[dict[str, Any]] = field(default_factory=list, repr=False)

    @classmethod
    def on(cls, cloud: Emulator, alert_topic_arn: str) -> Pager:
        """Subscribe a new queue to the stack's alert topic."""
        url, arn = queue_for(cloud, "pager", "sns.amazonaws.com")
        cloud.client("sns").subscribe(TopicArn=alert_topic_arn, Protocol="sqs", Endpoint=arn)
        return cls(cloud=cloud, queue_url=url)

    def alarm(self, name_part: str) -> dict[str, Any] | None:
        """Return the first notification of an ALARM state whose alarm name contains `name_part`, or None."""
        sqs = self.cloud.client("sqs")
        for message in sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10).get("Messages", []):
            self._notifications.append(json.loads(json.loads(message["Body"])["Message"]))
            sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return next(
            (
                alarm
                for alarm in self._notifications
                if name_part in alarm["AlarmName"] and alarm["NewStateValue"] == "ALARM"
            ),
            None,
        )


def queue_for(cloud: Emulator, name: str, service: str) -> tuple[str, str]:
    """Create a queue that an AWS service has permission to send to; return its URL and ARN."""
    arn = f"arn:aws:sqs:{cloud.region}:{cloud.account_id}:{name}"
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return cloud.client("sqs").create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"], arn
