"""IAM: roles and the policies attached to them."""

from __future__ import annotations

import contextlib
import json
from typing import Any, ClassVar, Self

from localcloud.resources import tags as tag_apis
from localcloud.resources.base import Cloud, Created, Resource, TaggedResource, given, handles, tag_list


@handles("aws:iam/role:Role")
class Role(TaggedResource):
    generated_name: ClassVar = "name"
    identity: ClassVar = ("name",)
    fixed: ClassVar = ("path",)
    tag_api: ClassVar = tag_apis.IAM_ROLE

    name: str
    assume_role_policy: str
    description: str | None = None
    force_detach_policies: bool = False
    max_session_duration: int = 3600
    path: str = "/"
    permissions_boundary: str | None = None

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
        if self.permissions_boundary:
            iam.put_role_permissions_boundary(RoleName=self.name, PermissionsBoundary=self.permissions_boundary)
        else:
            with contextlib.suppress(iam.exceptions.NoSuchEntityException):
                iam.delete_role_permissions_boundary(RoleName=self.name)

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("iam").get_role(RoleName=resource_id)["Role"]
        return self.with_actual_values(
            assume_role_policy=json.dumps(found["AssumeRolePolicyDocument"]),
            description=found.get("Description"),
            max_session_duration=found.get("MaxSessionDuration"),
            permissions_boundary=found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        iam = cloud.client("iam")
        if self.force_detach_policies:
            for policy in iam.list_role_policies(RoleName=resource_id)["PolicyNames"]:
                iam.delete_role_policy(RoleName=resource_id, PolicyName=policy)
            for policy in iam.list_attached_role_policies(RoleName=resource_id)["AttachedPolicies"]:
                iam.detach_role_policy(RoleName=resource_id, PolicyArn=policy["PolicyArn"])
        iam.delete_role(RoleName=resource_id)


@handles("aws:iam/rolePolicy:RolePolicy")
class RolePolicy(Resource):
    generated_name: ClassVar = "name"
    identity: ClassVar = ("role", "name")

    name: str
    role: str
    policy: str

    def create(self, cloud: Cloud) -> Created:
        cloud.client("iam").put_role_policy(RoleName=self.role, PolicyName=self.name, PolicyDocument=self.policy)
        return Created(f"{self.role}:{self.name}", {})

    def read(self, cloud: Cloud, resource_id: str) -> Self:  # noqa: ARG002 (the API needs both names)
        found = cloud.client("iam").get_role_policy(RoleName=self.role, PolicyName=self.name)
        return self.with_actual_values(policy=json.dumps(found["PolicyDocument"]))

    def delete(self, cloud: Cloud, resource_id: str) -> None:  # noqa: ARG002 (the API needs both names)
        cloud.client("iam").delete_role_policy(RoleName=self.role, PolicyName=self.name)
