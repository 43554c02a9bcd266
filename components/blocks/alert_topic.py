"""The alert topic: who may publish to it, and its subscriptions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.blocks.iam import allow_service, deny_plaintext, policy_document
from components.stack_context import StackContext

ROLE = "alerts"


@dataclass(frozen=True, kw_only=True)
class AlertTopicArgs:
    """Who publishes and who subscribes.

    Attributes:
        senders: the services that may publish, with their source ARN, by the statement's Sid.
        emails: addresses that receive every alert.
        https_endpoints: URLs of pagers, which contain a key and receive only what pages.
        paging_alarm_names: the alarms that pagers receive.
    """

    context: StackContext
    senders: Mapping[str, tuple[str, str]]
    emails: Sequence[str]
    https_endpoints: Sequence[str]
    paging_alarm_names: Sequence[str]


def alert_topic_arn(context: StackContext) -> str:
    """The topic's ARN, for what is created before it."""
    return context.arn("sns", context.name(ROLE))


def create_alert_topic(name: str, args: AlertTopicArgs, parent: pulumi.Resource) -> pulumi.Output[str]:
    """Create the topic with its policy and its subscriptions.

    Returns:
        The topic's ARN.
    """
    child = pulumi.ResourceOptions(parent=parent)
    topic = aws.sns.Topic(
        name,
        name=args.context.name(ROLE),
        # CloudWatch may not use the key that AWS manages for SNS, and that key's policy cannot be changed ("Why
        # didn't I receive an SNS notification for my CloudWatch alarm trigger?"); alarms name resources, not files.
        kms_master_key_id=args.context.key_arn,
        tags=args.context.tags,
        opts=child,
    )
    aws.sns.TopicPolicy(name, arn=topic.arn, policy=_policy(topic.arn, args), opts=child)
    for index, address in enumerate(args.emails):
        aws.sns.TopicSubscription(
            f"{name}-email-{index}", topic=topic.arn, protocol="email", endpoint=address, opts=child
        )
    for index, endpoint in enumerate(args.https_endpoints):
        aws.sns.TopicSubscription(
            f"{name}-https-{index}",
            topic=topic.arn,
            protocol="https",
            endpoint=pulumi.Output.secret(endpoint),
            endpoint_auto_confirms=True,
            filter_policy_scope="MessageBody",
            filter_policy=pulumi.Output.json_dumps({"AlarmName": list(args.paging_alarm_names)}),
            opts=child,
        )
    return topic.arn


def _policy(topic_arn: pulumi.Output[str], args: AlertTopicArgs) -> pulumi.Output[str]:
    publishers = [
        allow_service(
            sid,
            f"{service}.amazonaws.com",
            ["sns:Publish"],
            topic_arn,
            {
                "StringEquals": {"aws:SourceAccount": args.context.account_id},
                "ArnLike": {"aws:SourceArn": source_arn},
            },
        )
        for sid, (service, source_arn) in args.senders.items()
    ]
    return policy_document([deny_plaintext("sns:Publish", [topic_arn]), *publishers])
