"""What a rehearsed incident needs: a release that breaks a function, and a queue that receives the alarms."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.emulator import Emulator


def release(cloud: Emulator, function_name: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Publish a function with other environment variables and point its alias there; return the variables it had."""
    lambda_ = cloud.client("lambda")
    before = lambda_.get_function_configuration(FunctionName=function_name)["Environment"]["Variables"]
    lambda_.update_function_configuration(
        FunctionName=function_name, Environment={"Variables": {**before, **environment}}
    )
    version = lambda_.publish_version(FunctionName=function_name)["Version"]
    (alias,) = lambda_.list_aliases(FunctionName=function_name)["Aliases"]
    lambda_.update_alias(FunctionName=function_name, Name=alias["Name"], FunctionVersion=version)
    return before


@dataclass(frozen=True, kw_only=True)
class Pager:
    """A queue that receives every alarm of a stack."""

    cloud: Emulator
    queue_url: str
    _rung: list[dict[str, Any]] = field(default_factory=list, repr=False)

    @classmethod
    def on(cls, cloud: Emulator, alert_topic_arn: str) -> Pager:
        """Subscribe a new queue to the stack's alert topic."""
        url, arn = queue_for(cloud, "pager", "sns.amazonaws.com")
        cloud.client("sns").subscribe(TopicArn=alert_topic_arn, Protocol="sqs", Endpoint=arn)
        return cls(cloud=cloud, queue_url=url)

    def alarm(self, name_part: str) -> dict[str, Any] | None:
        """The first notification so far that an alarm with `name_part` in its name went off, or None."""
        sqs = self.cloud.client("sqs")
        for message in sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10).get("Messages", []):
            self._rung.append(json.loads(json.loads(message["Body"])["Message"]))
            sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return next(
            (alarm for alarm in self._rung if name_part in alarm["AlarmName"] and alarm["NewStateValue"] == "ALARM"),
            None,
        )


def queue_for(cloud: Emulator, name: str, service: str) -> tuple[str, str]:
    """The URL and ARN of a new queue that an AWS service may send to."""
    arn = f"arn:aws:sqs:{cloud.region}:{cloud.account_id}:{name}"
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return cloud.client("sqs").create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"], arn
