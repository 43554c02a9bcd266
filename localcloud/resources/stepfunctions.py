"""Step Functions: state machines."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from localcloud.resources import tags as tag_apis
from localcloud.resources.base import Cloud, Created, Properties, TaggedResource, given, handles, tag_list


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
class StateMachine(TaggedResource):
    generated_name: ClassVar = "name"
    identity: ClassVar = ("name",)
    fixed: ClassVar = ("type",)
    volatile: ClassVar = ("stateMachineVersionArn",)
    tag_api: ClassVar = tag_apis.STEP_FUNCTIONS

    name: str
    definition: str
    role_arn: str
    type: str = "STANDARD"
    logging_configuration: LoggingConfiguration | None = None
    tracing_configuration: TracingConfiguration | None = None
    publish: bool = False

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

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("stepfunctions").describe_state_machine(stateMachineArn=resource_id)
        logging = found.get("loggingConfiguration", {})
        groups = [
            destination["cloudWatchLogsLogGroup"]["logGroupArn"] for destination in logging.get("destinations", [])
        ]
        return self.with_actual_values(
            definition=found["definition"],
            logging_configuration=given(
                level=logging.get("level", "OFF"),
                includeExecutionData=logging.get("includeExecutionData", False),
                logDestination=groups[0] if groups else None,
            ),
            role_arn=found["roleArn"],
            # The emulator does not store this.
            tracing_configuration=found.get("tracingConfiguration", self.tracing_configuration),
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("stepfunctions").delete_state_machine(stateMachineArn=resource_id)
