"""IAM: roles and the policies attached to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from localcloud.resources.base import Cloud, Created, Resource, given, handles, tag_list


@handles("aws:iam/role:Role")
class Role(Resource):
    generated_name: ClassVar = "name"
    irrelevant: ClassVar = {"forceDetachPolicies": "nothing is destroyed here: the whole cloud goes away at once"}

    name: str
    assume_role_policy: str
    description: str | None = None
    max_session_duration: int = 3600
    path: str = "/"
    permissions_boundary: str | None = None
    tags: Mapping[str, str] = {}

    def create(self, cloud: Cloud) -> Created:
        role = cloud.client("iam").create_role(
            RoleName=self.name,
            AssumeRolePolicyDocument=self.assume_role_policy,
            MaxSessionDuration=self.max_session_duration,
            Path=self.path,
            Tags=tag_list(self.tags),
            **given(Description=self.description, PermissionsBoundary=self.permissions_boundary),
        )["Role"]
        return Created(self.name, {"arn": role["Arn"], "uniqueId": role["RoleId"]})


@handles("aws:iam/rolePolicy:RolePolicy")
class RolePolicy(Resource):
    generated_name: ClassVar = "name"

    name: str
    role: str
    policy: str

    def create(self, cloud: Cloud) -> Created:
        cloud.client("iam").put_role_policy(RoleName=self.role, PolicyName=self.name, PolicyDocument=self.policy)
        return Created(f"{self.role}:{self.name}", {})


@handles("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
class RolePolicyAttachment(Resource):
    role: str
    policy_arn: str

    def create(self, cloud: Cloud) -> Created:
        cloud.client("iam").attach_role_policy(RoleName=self.role, PolicyArn=self.policy_arn)
        return Created(f"{self.role}/{self.policy_arn}", {})
