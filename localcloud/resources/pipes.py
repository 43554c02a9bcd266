"""EventBridge Pipes."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from localcloud.resources import tags as tag_apis
from localcloud.resources.base import Cloud, Created, Properties, TaggedResource, given, handles, pascal_case


class LogConfiguration(Properties):
    level: str
    # The name of this list is plural in the provider and singular in the API.
    include_execution_datas: list[str] | None = None
    cloudwatch_logs_log_destination: dict[str, str] | None = None

    def request(self) -> dict[str, Any]:
        return given(
            Level=self.level,
            IncludeExecutionData=self.include_execution_datas,
            CloudwatchLogsLogDestination=pascal_case(self.cloudwatch_logs_log_destination),
        )


@handles("aws:pipes/pipe:Pipe")
class Pipe(TaggedResource):
    generated_name: ClassVar = "name"
    identity: ClassVar = ("name",)
    fixed: ClassVar = ("source",)
    tag_api: ClassVar = tag_apis.PIPES

    name: str
    role_arn: str
    source: str
    target: str
    description: str = ""
    desired_state: str = "RUNNING"
    kms_key_identifier: str | None = None
    log_configuration: LogConfiguration | None = None
    source_parameters: dict[str, Any] | None = None
    target_parameters: dict[str, Any] | None = None

    def create(self, cloud: Cloud) -> Created:
        pipes = cloud.client("pipes")
        settings = {
            "Name": self.name,
            "RoleArn": self.role_arn,
            "Target": self.target,
            "Description": self.description,
            "DesiredState": self.desired_state,
        } | given(
            KmsKeyIdentifier=self.kms_key_identifier,
            LogConfiguration=self.log_configuration and self.log_configuration.request(),
            SourceParameters=pascal_case(self.source_parameters),
            TargetParameters=pascal_case(self.target_parameters),
        )
        try:
            arn = pipes.create_pipe(Source=self.source, Tags=self.tags, **settings)["Arn"]
        except pipes.exceptions.ConflictException:
            arn = pipes.update_pipe(**settings)["Arn"]
        return Created(self.name, {"arn": arn})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("pipes").describe_pipe(Name=resource_id)
        return self.with_actual_values(
            description=found.get("Description"),
            desired_state=found["DesiredState"],
            kms_key_identifier=found.get("KmsKeyIdentifier"),
            role_arn=found["RoleArn"],
            target=found["Target"],
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("pipes").delete_pipe(Name=resource_id)
