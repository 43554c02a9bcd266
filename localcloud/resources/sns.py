"""SNS: topics, their policies and subscriptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from localcloud.resources.base import Cloud, Created, Resource, given, handles, tag_list


@handles("aws:sns/topic:Topic")
class Topic(Resource):
    generated_name: ClassVar = "name"

    name: str
    display_name: str | None = None
    delivery_policy: str | None = None
    kms_master_key_id: str | None = None
    policy: str | None = None
    signature_version: int | None = None
    tracing_config: str | None = None
    tags: Mapping[str, str] = {}

    def create(self, cloud: Cloud) -> Created:
        attributes = given(
            DisplayName=self.display_name,
            DeliveryPolicy=self.delivery_policy,
            KmsMasterKeyId=self.kms_master_key_id,
            Policy=self.policy,
            SignatureVersion=None if self.signature_version is None else str(self.signature_version),
            TracingConfig=self.tracing_config,
        )
        sns = cloud.client("sns")
        arn = sns.create_topic(Name=self.name, Tags=tag_list(self.tags))["TopicArn"]
        # CreateTopic leaves the attributes of a topic that exists as they are.
        for name, value in attributes.items():
            sns.set_topic_attributes(TopicArn=arn, AttributeName=name, AttributeValue=value)
        return Created(arn, {"arn": arn, "owner": cloud.account_id})


@handles("aws:sns/topicPolicy:TopicPolicy")
class TopicPolicy(Resource):
    arn: str
    policy: str

    def create(self, cloud: Cloud) -> Created:
        cloud.client("sns").set_topic_attributes(TopicArn=self.arn, AttributeName="Policy", AttributeValue=self.policy)
        return Created(self.arn, {"owner": cloud.account_id})


@handles("aws:sns/topicSubscription:TopicSubscription")
class TopicSubscription(Resource):
    irrelevant: ClassVar = {
        "confirmationTimeoutInMinutes": "it is how long Pulumi waits for an endpoint that confirms by itself",
        "endpointAutoConfirms": "it only tells Pulumi whether to wait for the confirmation",
    }

    topic: str
    protocol: str
    endpoint: str
    delivery_policy: str | None = None
    filter_policy: str | None = None
    filter_policy_scope: str | None = None
    raw_message_delivery: bool | None = None
    redrive_policy: str | None = None

    def create(self, cloud: Cloud) -> Created:
        attributes = given(
            DeliveryPolicy=self.delivery_policy,
            FilterPolicy=self.filter_policy,
            FilterPolicyScope=self.filter_policy_scope,
            RawMessageDelivery=None if self.raw_message_delivery is None else str(self.raw_message_delivery).lower(),
            RedrivePolicy=self.redrive_policy,
        )
        sns = cloud.client("sns")
        arn = sns.subscribe(
            TopicArn=self.topic,
            Protocol=self.protocol,
            Endpoint=self.endpoint,
            Attributes=attributes,
            ReturnSubscriptionArn=True,
        )["SubscriptionArn"]
        # Subscribe leaves the attributes of a subscription that exists as they are.
        for name, value in attributes.items():
            sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName=name, AttributeValue=value)
        return Created(arn, {"arn": arn, "ownerId": cloud.account_id})
