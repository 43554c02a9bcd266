"""SNS: topics, their policies and subscriptions."""

from __future__ import annotations

import json
from typing import ClassVar, Self

from localcloud.resources import tags as tag_apis
from localcloud.resources.base import Cloud, Created, Resource, TaggedResource, given, handles, tag_list


@handles("aws:sns/topic:Topic")
class Topic(TaggedResource):
    generated_name: ClassVar = "name"
    identity: ClassVar = ("name",)
    tag_api: ClassVar = tag_apis.SNS

    name: str
    display_name: str | None = None
    delivery_policy: str | None = None
    kms_master_key_id: str | None = None
    policy: str | None = None
    signature_version: int | None = None
    tracing_config: str | None = None

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
        # CreateTopic does not change the attributes of an existing topic.
        for name, value in attributes.items():
            sns.set_topic_attributes(TopicArn=arn, AttributeName=name, AttributeValue=value)
        return Created(arn, {"arn": arn, "owner": cloud.account_id})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("sns").get_topic_attributes(TopicArn=resource_id)["Attributes"]
        return self.with_actual_values(
            display_name=found.get("DisplayName"),
            delivery_policy=found.get("DeliveryPolicy"),
            kms_master_key_id=found.get("KmsMasterKeyId"),
            policy=found.get("Policy"),
            signature_version=found.get("SignatureVersion"),
            tracing_config=found.get("TracingConfig"),
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("sns").delete_topic(TopicArn=resource_id)


@handles("aws:sns/topicPolicy:TopicPolicy")
class TopicPolicy(Resource):
    identity: ClassVar = ("arn",)

    arn: str
    policy: str

    def create(self, cloud: Cloud) -> Created:
        cloud.client("sns").set_topic_attributes(TopicArn=self.arn, AttributeName="Policy", AttributeValue=self.policy)
        return Created(self.arn, {"owner": cloud.account_id})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("sns").get_topic_attributes(TopicArn=resource_id)["Attributes"]
        return self.with_actual_values(policy=found["Policy"])

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        """Set the default policy: a topic always has one."""
        owner_only = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": cloud.account_id},
                    "Action": "sns:*",
                    "Resource": resource_id,
                }
            ],
        }
        cloud.client("sns").set_topic_attributes(
            TopicArn=resource_id, AttributeName="Policy", AttributeValue=json.dumps(owner_only)
        )


@handles("aws:sns/topicSubscription:TopicSubscription")
class TopicSubscription(Resource):
    irrelevant: ClassVar = {
        "confirmationTimeoutInMinutes": "it is how long Pulumi waits for an endpoint that confirms automatically",
        "endpointAutoConfirms": "it only determines whether Pulumi waits for the confirmation",
    }
    identity: ClassVar = ("topic", "protocol", "endpoint")

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
        subscription = {
            "TopicArn": self.topic,
            "Protocol": self.protocol,
            "Endpoint": self.endpoint,
            "Attributes": attributes,
            "ReturnSubscriptionArn": True,
        }
        arn = sns.subscribe(**subscription)["SubscriptionArn"]
        if not arn.startswith("arn:"):
            # The emulator returns the ARN of a subscription that needs confirmation only in a later call.
            arn = sns.subscribe(**subscription)["SubscriptionArn"]
        # Subscribe does not change the attributes of an existing subscription.
        for name, value in attributes.items():
            sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName=name, AttributeValue=value)
        return Created(arn, {"arn": arn, "ownerId": cloud.account_id})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("sns").get_subscription_attributes(SubscriptionArn=resource_id)["Attributes"]
        return self.with_actual_values(
            delivery_policy=found.get("DeliveryPolicy"),
            filter_policy=found.get("FilterPolicy"),
            filter_policy_scope=found.get("FilterPolicyScope"),
            raw_message_delivery=found.get("RawMessageDelivery"),
            redrive_policy=found.get("RedrivePolicy"),
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("sns").unsubscribe(SubscriptionArn=resource_id)
