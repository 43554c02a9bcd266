"""Tags of existing resources: every service has its own operations to read, set and remove them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError


@dataclass(frozen=True, kw_only=True)
class TagApi:
    """The tag operations of one service.

    Attributes:
        service: service name in boto3.
        resource: the argument with the id of the resource.
        key_output: the output of the resource with the value of this argument; "" for its id.
        read, write, remove: the operations.
        tags, keys: the members of requests and responses with tags and tag names.
        pair: the members for name and value in a list of tags; None if tags are a map.
    """

    service: str
    resource: str
    key_output: str = "arn"
    read: str = "list_tags_for_resource"
    write: str = "tag_resource"
    remove: str = "untag_resource"
    tags: str = "Tags"
    keys: str = "TagKeys"
    pair: tuple[str, str] | None = ("Key", "Value")

    def tags_of(self, client: Any, key: str) -> dict[str, str]:
        """Return the resource's tags, without those that AWS sets itself."""
        found = getattr(client, self.read)(**{self.resource: key}).get(self.tags) or {}
        if self.pair:
            name, value = self.pair
            found = {tag[name]: tag[value] for tag in found}
        return {name: value for name, value in found.items() if not name.startswith("aws:")}

    def add(self, client: Any, key: str, tags: Mapping[str, str]) -> None:
        """Set these tags; others are unchanged."""
        pairs = self.pair and [{self.pair[0]: name, self.pair[1]: value} for name, value in tags.items()]
        getattr(client, self.write)(**{self.resource: key, self.tags: pairs or dict(tags)})

    def drop(self, client: Any, key: str, names: Collection[str]) -> None:
        """Remove these tags; others are unchanged."""
        getattr(client, self.remove)(**{self.resource: key, self.keys: list(names)})

    def replace(self, client: Any, key: str, wanted: Mapping[str, str]) -> None:
        """Replace the resource's tags."""
        present = self.tags_of(client, key)
        if surplus := present.keys() - wanted.keys():
            self.drop(client, key, surplus)
        if wanted.items() - present.items():
            self.add(client, key, wanted)


class BucketTags(TagApi):
    """S3 buckets: the API sets all tags at once."""

    def tags_of(self, client: Any, key: str) -> dict[str, str]:
        try:
            found = client.get_bucket_tagging(Bucket=key)["TagSet"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchTagSet":
                raise
            return {}
        return {tag["Key"]: tag["Value"] for tag in found}

    def replace(self, client: Any, key: str, wanted: Mapping[str, str]) -> None:
        tags = [{"Key": name, "Value": value} for name, value in wanted.items()]
        if tags:
            client.put_bucket_tagging(Bucket=key, Tagging={"TagSet": tags})
        else:
            client.delete_bucket_tagging(Bucket=key)


class DistributionTags(TagApi):
    """CloudFront has its lists of tags and of their names in an object each."""

    def tags_of(self, client: Any, key: str) -> dict[str, str]:
        found = client.list_tags_for_resource(Resource=key)["Tags"].get("Items", [])
        return {tag["Key"]: tag["Value"] for tag in found if not tag["Key"].startswith("aws:")}

    def add(self, client: Any, key: str, tags: Mapping[str, str]) -> None:
        items = [{"Key": name, "Value": value} for name, value in tags.items()]
        client.tag_resource(Resource=key, Tags={"Items": items})

    def drop(self, client: Any, key: str, names: Collection[str]) -> None:
        client.untag_resource(Resource=key, TagKeys={"Items": list(names)})


class Ec2Tags(TagApi):
    """EC2: the API accepts several resources."""

    def tags_of(self, client: Any, key: str) -> dict[str, str]:
        found = client.describe_tags(Filters=[{"Name": "resource-id", "Values": [key]}])["Tags"]
        return {tag["Key"]: tag["Value"] for tag in found}

    def add(self, client: Any, key: str, tags: Mapping[str, str]) -> None:
        client.create_tags(Resources=[key], Tags=[{"Key": name, "Value": value} for name, value in tags.items()])

    def drop(self, client: Any, key: str, names: Collection[str]) -> None:
        client.delete_tags(Resources=[key], Tags=[{"Key": name} for name in names])


class WafTags(TagApi):
    """WAF answers with the tags one level deeper."""

    def tags_of(self, client: Any, key: str) -> dict[str, str]:
        found = client.list_tags_for_resource(ResourceARN=key)["TagInfoForResource"]["TagList"]
        return {tag["Key"]: tag["Value"] for tag in found}


API_GATEWAY = TagApi(service="apigatewayv2", resource="ResourceArn", read="get_tags", pair=None)
CLOUDFRONT = DistributionTags(service="cloudfront", resource="Resource")
BUDGETS = TagApi(service="budgets", resource="ResourceARN", tags="ResourceTags", keys="ResourceTagKeys")
CLOUDWATCH = TagApi(service="cloudwatch", resource="ResourceARN")
COGNITO = TagApi(service="cognito-idp", resource="ResourceArn", pair=None)
DYNAMODB = TagApi(service="dynamodb", resource="ResourceArn", read="list_tags_of_resource")
EC2 = Ec2Tags(service="ec2", resource="Resources", key_output="")
EVENTS = TagApi(service="events", resource="ResourceARN")
GUARDDUTY = TagApi(service="guardduty", resource="ResourceArn", pair=None)
IAM_ROLE = TagApi(
    service="iam", resource="RoleName", key_output="", read="list_role_tags", write="tag_role", remove="untag_role"
)
KMS = TagApi(service="kms", resource="KeyId", key_output="", read="list_resource_tags", pair=("TagKey", "TagValue"))
LAMBDA = TagApi(service="lambda", resource="Resource", read="list_tags", pair=None)
LOGS = TagApi(service="logs", resource="resourceArn", tags="tags", keys="tagKeys", pair=None)
PIPES = TagApi(service="pipes", resource="resourceArn", tags="tags", keys="tagKeys", pair=None)
S3_BUCKET = BucketTags(service="s3", resource="Bucket", key_output="")
SECRETS_MANAGER = TagApi(service="secretsmanager", resource="SecretId", read="describe_secret")
SNS = TagApi(service="sns", resource="ResourceArn")
SQS = TagApi(
    service="sqs",
    resource="QueueUrl",
    key_output="",
    read="list_queue_tags",
    write="tag_queue",
    remove="untag_queue",
    pair=None,
)
STEP_FUNCTIONS = TagApi(
    service="stepfunctions", resource="resourceArn", tags="tags", keys="tagKeys", pair=("key", "value")
)
WAF = WafTags(service="wafv2", resource="ResourceARN")
