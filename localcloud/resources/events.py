"""EventBridge: rules and their targets."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from localcloud.resources import tags as tag_apis
from localcloud.resources.base import (
    Cloud,
    Created,
    Resource,
    ResourceError,
    ResourceNotFound,
    TaggedResource,
    camel_case,
    given,
    handles,
    pascal_case,
    tag_list,
)


@handles("aws:cloudwatch/eventRule:EventRule")
class EventRule(TaggedResource):
    generated_name: ClassVar = "name"
    identity: ClassVar = ("name", "event_bus_name")
    tag_api: ClassVar = tag_apis.EVENTS

    name: str
    description: str | None = None
    event_bus_name: str = "default"
    event_pattern: str | None = None
    force_destroy: bool = False
    role_arn: str | None = None
    schedule_expression: str | None = None
    state: str = "ENABLED"

    def create(self, cloud: Cloud) -> Created:
        arn = cloud.client("events").put_rule(
            Name=self.name,
            EventBusName=self.event_bus_name,
            State=self.state,
            Tags=tag_list(self.tags),
            **given(
                Description=self.description,
                EventPattern=self.event_pattern,
                RoleArn=self.role_arn,
                ScheduleExpression=self.schedule_expression,
            ),
        )["RuleArn"]
        return Created(self.name, {"arn": arn})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("events").describe_rule(Name=resource_id, EventBusName=self.event_bus_name)
        return self.with_actual_values(
            description=found.get("Description"),
            event_pattern=found.get("EventPattern"),
            role_arn=found.get("RoleArn"),
            schedule_expression=found.get("ScheduleExpression"),
            state=found["State"],
        )

    def delete(self, cloud: Cloud, resource_id: str) -> None:
        cloud.client("events").delete_rule(Name=resource_id, EventBusName=self.event_bus_name, Force=self.force_destroy)


@handles("aws:cloudwatch/eventTarget:EventTarget")
class EventTarget(Resource):
    generated_name: ClassVar = "targetId"
    identity: ClassVar = ("target_id", "rule", "event_bus_name")

    target_id: str
    rule: str
    arn: str
    dead_letter_config: dict[str, str] | None = None
    force_destroy: bool = False
    event_bus_name: str = "default"
    input: str | None = None
    input_path: str | None = None
    input_transformer: dict[str, Any] | None = None
    retry_policy: dict[str, int] | None = None
    role_arn: str | None = None

    def create(self, cloud: Cloud) -> Created:
        transformer = self.input_transformer
        target = given(
            Id=self.target_id,
            Arn=self.arn,
            DeadLetterConfig=pascal_case(self.dead_letter_config),
            Input=self.input,
            InputPath=self.input_path,
            InputTransformer=transformer
            and given(InputPathsMap=transformer.get("inputPaths"), InputTemplate=transformer["inputTemplate"]),
            RetryPolicy=pascal_case(self.retry_policy),
            RoleArn=self.role_arn,
        )
        answer = cloud.client("events").put_targets(Rule=self.rule, EventBusName=self.event_bus_name, Targets=[target])
        # PutTargets reports a failed entry in its response, not as an error.
        for failure in answer["FailedEntries"]:
            raise ResourceError(f"{failure['ErrorCode']}: {failure['ErrorMessage']}")
        return Created(f"{self.rule}-{self.target_id}", {})

    def read(self, cloud: Cloud, resource_id: str) -> Self:
        found = cloud.client("events").list_targets_by_rule(Rule=self.rule, EventBusName=self.event_bus_name)
        for target in found["Targets"]:
            if target["Id"] == self.target_id:
                return self.with_actual_values(
                    arn=target["Arn"],
                    dead_letter_config=camel_case(target.get("DeadLetterConfig")),
                    input=target.get("Input"),
                    input_path=target.get("InputPath"),
                    retry_policy=camel_case(target.get("RetryPolicy")),
                    role_arn=target.get("RoleArn"),
                )
        raise ResourceNotFound(resource_id)

    def delete(self, cloud: Cloud, resource_id: str) -> None:  # noqa: ARG002 (the API needs rule and target)
        cloud.client("events").remove_targets(
            Rule=self.rule, EventBusName=self.event_bus_name, Ids=[self.target_id], Force=self.force_destroy
        )
