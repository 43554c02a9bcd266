"""Step Functions: state machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from localcloud.resources.base import Cloud, Created, Properties, Resource, given, handles, tag_list


class LoggingConfiguration(Properties):
    level: str = "OFF"
    include_execution_data: bool = False
    log_destination: str | None = None

    def request(self) -> dict[str, Any]:
        destinations = self.log_destination and [{"cloudWatchLogsLogGroup": {"logGroupArn": self.log_destination}}]
        return given(level=self.level, includeExecutionData=self.include_execution_data, destinations=destinations)


class TracingConfiguration(Properties):
    enabled: bool


@handles("aws:sfn/stateMachine:StateMachine")
class StateMachine(Resource):
    generated_name: ClassVar = "name"

    name: str
    definition: str
    role_arn: str
    type: str = "STANDARD"
    logging_configuration: LoggingConfiguration | None = None
    tracing_configuration: TracingConfiguration | None = None
    publish: bool = False
    tags: Mapping[str, str] = {}

    def create(self, cloud: Cloud) -> Created:
        states = cloud.client("stepfunctions")
        arn = f"arn:aws:states:{cloud.region}:{cloud.account_id}:stateMachine:{self.name}"
        settings = {"definition": self.definition, "roleArn": self.role_arn, "publish": self.publish} | given(
            loggingConfiguration=self.logging_configuration and self.logging_configuration.request(),
            tracingConfiguration=self.tracing_configuration and {"enabled": self.tracing_configuration.enabled},
        )
        try:
            machine = states.create_state_machine(
                name=self.name, type=self.type, tags=tag_list(self.tags, "key", "value"), **settings
            )
        except states.exceptions.StateMachineAlreadyExists:
            machine = states.update_state_machine(stateMachineArn=arn, **settings)
        version_arn = machine.get("stateMachineVersionArn")
        return Created(arn, given(arn=arn, stateMachineVersionArn=version_arn, status="ACTIVE"))
