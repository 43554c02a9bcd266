"""CloudFront: distributions, the access that they have to buckets, and the headers that they add.

The emulator serves a distribution under its domain name; here it also has an address on the endpoint, which needs no
name server, see `localcloud.patches.routes`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

from localcloud.addresses import DISTRIBUTIONS
from localcloud.resources import tags as tag_apis
from localcloud.resources.base import Cloud, Created, Properties, Resource, TaggedResource, given, handles, pascal_case


@handles("aws:cloudfront/originAccessControl:OriginAccessControl")
class OriginAccessControl(Resource):
    generated_name: ClassVar = "name"
    identity: ClassVar = ("name",)

    name: str
    description: str
    origin_access_control_origin_type: str
    signing_behavior: str
    signing_protocol: str

    def create(self, cloud: Cloud) -> Created:
        cloudfront = cloud.client("cloudfront")
        listed = cloudfront.list_origin_access_controls()["OriginAccessControlList"].get("Items", [])
        for found in listed:
            if found["Name"] == self.name:
                return self.update(cloud, found["Id"])
        created = cloudfront.create_origin_access_control(OriginAccessControlConfig=self._config())
        return Created(created["OriginAccessControl"]["Id"], {})

    def update(self, cloud: Cloud, resource_id: str) -> Created:
        cloudfront = cloud.client("cloudfront")
        tag = cloudfront.get_origin_access_control(Id=resource_id)["ETag"]
        cloudfront.update_origin_access_control(Id=resource_id, IfMatch=tag, OriginAccessControlConfig=self._config())
        return Created(resource_id, {})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("cloudfront").get_origin_access_control(Id=resource_id)
        config = found["OriginAccessControl"]["OriginAccessControlConfig"]
        return self.with_actual_values(
            signing_behavior=config["SigningBehavior"], signing_protocol=config["SigningProtocol"]
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloudfront = cloud.client("cloudfront")
        tag = cloudfront.get_origin_access_control(Id=resource_id)["ETag"]
        cloudfront.delete_origin_access_control(Id=resource_id, IfMatch=tag)

    def _config(self) -> dict[str, str]:
        return {
            "Name": self.name,
            "Description": self.description,
            "OriginAccessControlOriginType": self.origin_access_control_origin_type,
            "SigningBehavior": self.signing_behavior,
            "SigningProtocol": self.signing_protocol,
        }


@handles("aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy")
class ResponseHeadersPolicy(Resource):
    generated_name: ClassVar = "name"
    identity: ClassVar = ("name",)

    name: str
    comment: str = ""
    security_headers_config: Mapping[str, Mapping[str, Any]]

    def create(self, cloud: Cloud) -> Created:
        cloudfront = cloud.client("cloudfront")
        listed = cloudfront.list_response_headers_policies(Type="custom")["ResponseHeadersPolicyList"].get("Items", [])
        for found in listed:
            policy = found["ResponseHeadersPolicy"]
            if policy["ResponseHeadersPolicyConfig"]["Name"] == self.name:
                return self.update(cloud, policy["Id"])
        created = cloudfront.create_response_headers_policy(ResponseHeadersPolicyConfig=self._config())
        return Created(created["ResponseHeadersPolicy"]["Id"], {})

    def update(self, cloud: Cloud, resource_id: str) -> Created:
        cloudfront = cloud.client("cloudfront")
        tag = cloudfront.get_response_headers_policy(Id=resource_id)["ETag"]
        cloudfront.update_response_headers_policy(
            Id=resource_id, IfMatch=tag, ResponseHeadersPolicyConfig=self._config()
        )
        return Created(resource_id, {})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("cloudfront").get_response_headers_policy(Id=resource_id)
        return self.with_actual_values(comment=found["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]["Comment"])

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloudfront = cloud.client("cloudfront")
        tag = cloudfront.get_response_headers_policy(Id=resource_id)["ETag"]
        cloudfront.delete_response_headers_policy(Id=resource_id, IfMatch=tag)

    def _config(self) -> dict[str, Any]:
        return {
            "Name": self.name,
            "Comment": self.comment,
            "SecurityHeadersConfig": pascal_case(self.security_headers_config),
        }


@handles("aws:cloudfront/publicKey:PublicKey")
class PublicKey(Resource):
    generated_name: ClassVar = "name"
    identity: ClassVar = ("name", "encoded_key")

    name: str
    comment: str = ""
    encoded_key: str

    def create(self, cloud: Cloud) -> Created:
        created = cloud.client("cloudfront").create_public_key(PublicKeyConfig=self._config(str(uuid.uuid4())))
        return Created(created["PublicKey"]["Id"], {})

    def update(self, cloud: Cloud, resource_id: str) -> Created:
        cloudfront = cloud.client("cloudfront")
        found = cloudfront.get_public_key_config(Id=resource_id)
        config = self._config(found["PublicKeyConfig"]["CallerReference"])
        cloudfront.update_public_key(Id=resource_id, IfMatch=found["ETag"], PublicKeyConfig=config)
        return Created(resource_id, {})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        config = cloud.client("cloudfront").get_public_key_config(Id=resource_id)["PublicKeyConfig"]
        return self.with_actual_values(comment=config.get("Comment", ""), encoded_key=config["EncodedKey"])

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloudfront = cloud.client("cloudfront")
        tag = cloudfront.get_public_key(Id=resource_id)["ETag"]
        cloudfront.delete_public_key(Id=resource_id, IfMatch=tag)

    def _config(self, reference: str) -> dict[str, str]:
        return {
            "CallerReference": reference,
            "Name": self.name,
            "Comment": self.comment,
            "EncodedKey": self.encoded_key,
        }


@handles("aws:cloudfront/keyGroup:KeyGroup")
class KeyGroup(Resource):
    generated_name: ClassVar = "name"
    identity: ClassVar = ("name",)

    name: str
    comment: str = ""
    items: Sequence[str]

    def create(self, cloud: Cloud) -> Created:
        cloudfront = cloud.client("cloudfront")
        for found in cloudfront.list_key_groups()["KeyGroupList"].get("Items", []):
            if found["KeyGroup"]["KeyGroupConfig"]["Name"] == self.name:
                return self.update(cloud, found["KeyGroup"]["Id"])
        created = cloudfront.create_key_group(KeyGroupConfig=self._config())
        return Created(created["KeyGroup"]["Id"], {})

    def update(self, cloud: Cloud, resource_id: str) -> Created:
        cloudfront = cloud.client("cloudfront")
        tag = cloudfront.get_key_group(Id=resource_id)["ETag"]
        cloudfront.update_key_group(Id=resource_id, IfMatch=tag, KeyGroupConfig=self._config())
        return Created(resource_id, {})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        config = cloud.client("cloudfront").get_key_group_config(Id=resource_id)["KeyGroupConfig"]
        return self.with_actual_values(comment=config.get("Comment", ""), items=config["Items"])

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloudfront = cloud.client("cloudfront")
        tag = cloudfront.get_key_group(Id=resource_id)["ETag"]
        cloudfront.delete_key_group(Id=resource_id, IfMatch=tag)

    def _config(self) -> dict[str, Any]:
        return {"Name": self.name, "Comment": self.comment, "Items": list(self.items)}


class Origin(Properties):
    origin_id: str
    domain_name: str
    origin_access_control_id: str

    def request(self) -> dict[str, Any]:
        return {
            "Id": self.origin_id,
            "DomainName": self.domain_name,
            "OriginAccessControlId": self.origin_access_control_id,
            "S3OriginConfig": {"OriginAccessIdentity": ""},
        }


class CacheBehavior(Properties):
    target_origin_id: str
    viewer_protocol_policy: str
    allowed_methods: Sequence[str]
    cached_methods: Sequence[str]
    cache_policy_id: str
    compress: bool
    response_headers_policy_id: str
    path_pattern: str | None = None
    trusted_key_groups: Sequence[str] = ()

    def request(self) -> dict[str, Any]:
        return {
            "TargetOriginId": self.target_origin_id,
            "ViewerProtocolPolicy": self.viewer_protocol_policy,
            "AllowedMethods": {**_items(self.allowed_methods), "CachedMethods": _items(self.cached_methods)},
            "CachePolicyId": self.cache_policy_id,
            "Compress": self.compress,
            "ResponseHeadersPolicyId": self.response_headers_policy_id,
            "TrustedKeyGroups": {"Enabled": bool(self.trusted_key_groups), **_items(self.trusted_key_groups)},
            **given(PathPattern=self.path_pattern),
        }


@handles("aws:cloudfront/distribution:Distribution")
class Distribution(TaggedResource):
    irrelevant: ClassVar = {
        "restrictions": "it allows every country",
        "viewerCertificate": "it is CloudFront's own, and there is no TLS here",
    }
    # A distribution has no name; what it is described as is what a second deployment finds it by.
    identity: ClassVar = ("comment",)
    tag_api: ClassVar = tag_apis.CLOUDFRONT

    comment: str
    enabled: bool
    is_ipv6_enabled: bool
    http_version: str
    price_class: str
    default_root_object: str
    origins: Sequence[Origin]
    default_cache_behavior: CacheBehavior
    ordered_cache_behaviors: Sequence[CacheBehavior] = ()

    def create(self, cloud: Cloud) -> Created:
        cloudfront = cloud.client("cloudfront")
        for found in cloudfront.list_distributions()["DistributionList"].get("Items", []):
            if found["Comment"] == self.comment:
                return self.update(cloud, found["Id"])
        config = {
            "DistributionConfig": self._config(str(uuid.uuid4())),
            "Tags": {"Items": [{"Key": name, "Value": value} for name, value in self.tags.items()]},
        }
        created = cloudfront.create_distribution_with_tags(DistributionConfigWithTags=config)
        return self._created(cloud, created["Distribution"])

    def update(self, cloud: Cloud, resource_id: str) -> Created:
        found = self._changed(cloud, resource_id, self._config)
        return self._created(cloud, found)

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        config = cloud.client("cloudfront").get_distribution_config(Id=resource_id)["DistributionConfig"]
        return self.with_actual_values(enabled=config["Enabled"], price_class=config["PriceClass"])

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        """Only a distribution that is disabled can be deleted."""
        self._changed(cloud, resource_id, lambda reference: self._config(reference) | {"Enabled": False})
        cloudfront = cloud.client("cloudfront")
        tag = cloudfront.get_distribution_config(Id=resource_id)["ETag"]
        cloudfront.delete_distribution(Id=resource_id, IfMatch=tag)

    def _changed(self, cloud: Cloud, resource_id: str, config: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
        cloudfront = cloud.client("cloudfront")
        found = cloudfront.get_distribution_config(Id=resource_id)
        reference = found["DistributionConfig"]["CallerReference"]
        return cloudfront.update_distribution(
            Id=resource_id, IfMatch=found["ETag"], DistributionConfig=config(reference)
        )["Distribution"]

    def _config(self, reference: str) -> dict[str, Any]:
        return {
            "CallerReference": reference,
            "Comment": self.comment,
            "Enabled": self.enabled,
            "IsIPV6Enabled": self.is_ipv6_enabled,
            "HttpVersion": self.http_version,
            "PriceClass": self.price_class,
            "DefaultRootObject": self.default_root_object,
            "Origins": _items([origin.request() for origin in self.origins]),
            "DefaultCacheBehavior": self.default_cache_behavior.request(),
            "CacheBehaviors": _items([behavior.request() for behavior in self.ordered_cache_behaviors]),
        }

    def _created(self, cloud: Cloud, distribution: Mapping[str, Any]) -> Created:
        host = cloud.client("cloudfront").meta.endpoint_url.partition("://")[2]
        label = distribution["DomainName"].partition(".")[0]
        return Created(distribution["Id"], {"arn": distribution["ARN"], "domainName": f"{host}{DISTRIBUTIONS}{label}"})


def _items(items: Sequence[Any]) -> dict[str, Any]:
    return {"Quantity": len(items), "Items": list(items)}
