"""IAM: roles and the policies attached to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from localcloud.resources.base import NEVER_DESTROYED, Cloud, Created, Resource, given, handles, tag_list


@handles("aws:iam/role:Role")
class Role(Resource):
    generated_name: ClassVar = "name"
    irrelevant: ClassVar = {"forceDetachPolicies": NEVER_DESTROYED}

    name: str
    assume_role_policy: str
    description: str | None = None
    max_session_duration: int = 3600
    path: str = "/"
    permissions_boundary: str | None = None
    tags: Mapping[str, str] = {}

    def create(self, cloud: Cloud) -> Created:
        iam = cloud.client("iam")
        try:
            iam.create_role(
                RoleName=self.name,
                AssumeRolePolicyDocument=self.assume_role_policy,
                MaxSessionDuration=self.max_session_duration,
                Path=self.path,
                Tags=tag_list(self.tags),
                **given(Description=self.description, PermissionsBoundary=self.permissions_boundary),
            )
        except iam.exceptions.EntityAlreadyExistsException:
            self._update(iam)
        role = iam.get_role(RoleName=self.name)["Role"]
        return Created(self.name, {"arn": role["Arn"], "uniqueId": role["RoleId"]})

    def _update(self, iam: Any) -> None:
        iam.update_assume_role_policy(RoleName=self.name, PolicyDocument=self.assume_role_policy)
        iam.update_role(
            RoleName=self.name, MaxSessionDuration=self.max_session_duration, **given(Description=self.description)
        )
        iam.tag_role(RoleName=self.name, Tags=tag_list(self.tags))
        if self.permissions_boundary:
            iam.put_role_permissions_boundary(RoleName=self.name, PermissionsBoundary=self.permissions_boundary)


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
