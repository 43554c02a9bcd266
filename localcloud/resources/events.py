"""EventBridge: rules and their targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from localcloud.resources.base import (
    NEVER_DESTROYED,
    Cloud,
    Created,
    Resource,
    ResourceError,
    given,
    handles,
    pascal_case,
    tag_list,
)


@handles("aws:cloudwatch/eventRule:EventRule")
class EventRule(Resource):
    generated_name: ClassVar = "name"
    irrelevant: ClassVar = {"forceDestroy": NEVER_DESTROYED}

    name: str
    description: str | None = None
    event_bus_name: str = "default"
    event_pattern: str | None = None
    role_arn: str | None = None
    schedule_expression: str | None = None
    state: str = "ENABLED"
    tags: Mapping[str, str] = {}

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


@handles("aws:cloudwatch/eventTarget:EventTarget")
class EventTarget(Resource):
    generated_name: ClassVar = "targetId"
    irrelevant: ClassVar = {"forceDestroy": NEVER_DESTROYED}

    target_id: str
    rule: str
    arn: str
    dead_letter_config: dict[str, str] | None = None
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
        # PutTargets reports a refused target in its answer, not as an error.
        for failure in answer["FailedEntries"]:
            raise ResourceError(f"{failure['ErrorCode']}: {failure['ErrorMessage']}")
        return Created(f"{self.rule}-{self.target_id}", {})
