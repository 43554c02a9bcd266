"""Creates roles, queues, functions, workflows and pipes with unique names for tests."""

from __future__ import annotations

import io
import itertools
import json
import textwrap
import urllib.error
import urllib.request
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from typing import Any

from localcloud.emulator import Emulator
from testing.policies import policy

Document = dict[str, Any]

LOGGING = (("logs:CreateLogStream", "*"), ("logs:PutLogEvents", "*"))
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Queue:
    """A queue with a unique name."""

    cloud: Emulator
    name: str
    url: str

    @property
    def arn(self) -> str:
        return f"arn:aws:sqs:{self.cloud.region}:{self.cloud.account_id}:{self.name}"

    def send(self, body: Any) -> str:
        """Send a message and return its id."""
        return self.cloud.client("sqs").send_message(QueueUrl=self.url, MessageBody=json.dumps(body))["MessageId"]

    def receive(self, seconds: int = 20) -> Document:
        """Wait for a message, delete it from the queue and return it."""
        sqs = self.cloud.client("sqs")
        request = {"QueueUrl": self.url, "MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]}
        answer = sqs.receive_message(**request, WaitTimeSeconds=seconds)
        assert "Messages" in answer, f"no message on {self.name} within {seconds} s"
        (message,) = answer["Messages"]
        sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return message

    def depth(self) -> tuple[int, int]:
        """Return the numbers of messages that are visible and in flight."""
        answer = self.cloud.client("sqs").get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])
        attributes = answer["Attributes"]
        return int(attributes["ApproximateNumberOfMessages"]), int(attributes["ApproximateNumberOfMessagesNotVisible"])


@dataclass(frozen=True)
class HttpApi:
    """An HTTP API before one function, whose policy lets it in by the statement with the API's id."""

    cloud: Emulator
    id: str
    function_name: str
    qualifier: str

    def get(self, path: str = "/things/7") -> tuple[int, str]:
        """Call it; return the status and the body."""
        status, _, body = self.call(path)
        return status, body

    def call(self, path: str, **headers: str) -> tuple[int, Message, str]:
        """Call it with headers; return the status, the headers and the body."""
        url = f"{self.cloud.endpoint_url}/_aws/execute-api/{self.id}/live{path}"
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 (our own server)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 (our own server)
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    def answer_pages_of(self, origin: str) -> None:
        """Set the API's CORS configuration: pages of one origin may call it."""
        settings = {"AllowOrigins": [origin], "AllowMethods": ["GET"], "ExposeHeaders": ["apigw-requestid"]}
        self.cloud.client("apigatewayv2").update_api(ApiId=self.id, CorsConfiguration=settings)

    def require_tokens(self) -> None:
        """Have its routes ask for a JWT, of an issuer that does not exist."""
        apis = self.cloud.client("apigatewayv2")
        authorizer = apis.create_authorizer(
            ApiId=self.id,
            Name="tokens",
            AuthorizerType="JWT",
            IdentitySource=["$request.header.Authorization"],
            JwtConfiguration={"Audience": ["pages"], "Issuer": "https://issuer.invalid"},
        )
        for route in apis.get_routes(ApiId=self.id)["Items"]:
            apis.update_route(
                ApiId=self.id,
                RouteId=route["RouteId"],
                AuthorizationType="JWT",
                AuthorizerId=authorizer["AuthorizerId"],
            )

    def shut_out(self) -> None:
        """Remove the function's permission."""
        self.cloud.client("lambda").remove_permission(
            FunctionName=self.function_name, Qualifier=self.qualifier, StatementId=self.id
        )


SLOW_EXPRESSION: Document = {"Type": "Pass", "Output": "{% $count($map([1..600000], $string)) %}", "End": True}
"""A state whose expression takes more than a second."""


class Workbench:
    """Creates resources with unique names in an embedded cloud."""

    def __init__(self, cloud: Emulator) -> None:
        self.cloud = cloud

    def name(self, kind: str) -> str:
        return f"{kind}-{next(_numbers)}"

    def role(self, service: str, *allowed: tuple[str, str], source_arn: str = "*") -> str:
        """Create a role for a service and resource, with (action, resource) permissions; return its ARN."""
        name = self.name(f"{service}-role")
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": self.cloud.account_id},
                "ArnLike": {"aws:SourceArn": source_arn},
            },
        }
        iam = self.cloud.client("iam")
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]
        if allowed:
            self.permit(role["Arn"], *allowed)
        return role["Arn"]

    def permit(self, role_arn: str, *allowed: tuple[str, str]) -> None:
        """Replace a role's permissions."""
        statements = [{"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in allowed]
        self.cloud.client("iam").put_role_policy(
            RoleName=role_arn.rsplit("/", 1)[1], PolicyName="permissions", PolicyDocument=policy(*statements)
        )

    def queue(self, **attributes: str) -> Queue:
        name = self.name("queue")
        url = self.cloud.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return Queue(self.cloud, name, url)

    def accept_from(self, queue: Queue, service: str, source_arn: str = "*") -> None:
        """Allow a service to send to a queue on behalf of a resource."""
        allow = {
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue.arn,
            "Condition": {"ArnLike": {"aws:SourceArn": source_arn}},
        }
        attributes = {"Policy": policy(allow)}
        self.cloud.client("sqs").set_queue_attributes(QueueUrl=queue.url, Attributes=attributes)

    def queue_with_dlq(self, max_receive_count: int, **attributes: str) -> tuple[Queue, Queue]:
        dlq = self.queue()
        redrive = json.dumps({"deadLetterTargetArn": dlq.arn, "maxReceiveCount": str(max_receive_count)})
        return self.queue(RedrivePolicy=redrive, **attributes), dlq

    def function(self, code: str, *, permissions: tuple[tuple[str, str], ...] = (), **settings: Any) -> str:
        """Create a function from the source of a module with a ``handler``; return the ARN of its alias."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("main.py", textwrap.dedent(code))
        client, name = self.cloud.client("lambda"), self.name("function")
        client.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="main.handler",
            Code={"ZipFile": archive.getvalue()},
            Publish=True,
            **{"Timeout": 5, "Role": self.role("lambda", *LOGGING, *permissions)} | settings,
        )
        return client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")["AliasArn"]

    def http_api(self, function_arn: str, route_key: str = "GET /things/{id}", **stage: Any) -> HttpApi:
        """Make an HTTP API before a function, which may call it by its one route, with the stage `live`."""
        apis, functions = self.cloud.client("apigatewayv2"), self.cloud.client("lambda")
        api_id = apis.create_api(Name=self.name("api"), ProtocolType="HTTP")["ApiId"]
        integration = apis.create_integration(
            ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=function_arn, PayloadFormatVersion="2.0"
        )
        target = f"integrations/{integration['IntegrationId']}"
        apis.create_route(ApiId=api_id, RouteKey=route_key, Target=target)
        apis.create_stage(ApiId=api_id, StageName="live", AutoDeploy=True, **stage)
        function_name, _, qualifier = function_arn.partition(":function:")[2].partition(":")
        functions.add_permission(
            FunctionName=function_name,
            Qualifier=qualifier,
            StatementId=api_id,
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:{self.cloud.region}:{self.cloud.account_id}:{api_id}/live/*",
        )
        return HttpApi(self.cloud, api_id, function_name, qualifier)

    def workflow(
        self, states: Document, *allowed: tuple[str, str], role_arn: str | None = None, timeout_seconds: int = 30
    ) -> str:
        """Create an Express workflow whose role has (action, resource) permissions; it starts at the first state."""
        definition = {
            "QueryLanguage": "JSONata",
            "StartAt": next(iter(states)),
            "TimeoutSeconds": timeout_seconds,
            "States": states,
        }
        return self.cloud.client("stepfunctions").create_state_machine(
            name=self.name("workflow"),
            definition=json.dumps(definition),
            roleArn=role_arn or self.role("states", *allowed),
            type="EXPRESS",
        )["stateMachineArn"]

    def calling(self, function_arn: str, **fields: Any) -> str:
        """Create a workflow with permission to invoke a function with its input."""
        call = call_function(function_arn, **fields)
        return self.workflow({"Call": call}, ("lambda:InvokeFunction", function_arn))

    def run(self, workflow_arn: str, document: Any = None) -> Document:
        """Run a workflow and return the result of StartSyncExecution."""
        states = self.cloud.client("stepfunctions")
        return states.start_sync_execution(stateMachineArn=workflow_arn, input=json.dumps(document or {}))

    def pipe(
        self,
        source: Queue,
        target: str,
        role_arn: str | None = None,
        *,
        patterns: Sequence[Document] = (),
        **parameters: Any,
    ) -> str:
        """Run a pipe from a queue to a workflow and return its name."""
        name = self.name("pipe")
        filters = [{"Pattern": json.dumps(pattern)} for pattern in patterns]
        target_parameters = {"StepFunctionStateMachineParameters": {"InvocationType": "REQUEST_RESPONSE"}}
        self.cloud.client("pipes").create_pipe(
            Name=name,
            Source=source.arn,
            Target=target,
            RoleArn=role_arn or self.pipe_role(source, target),
            SourceParameters={"SqsQueueParameters": {"BatchSize": 1}, "FilterCriteria": {"Filters": filters}},
            TargetParameters=target_parameters | parameters,
        )
        return name

    def pipe_role(self, source: Queue, target: str) -> str:
        actions = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
        return self.role("pipes", *((action, source.arn) for action in actions), ("states:StartSyncExecution", target))


def call_function(function_arn: str, next_state: str | None = None, **fields: Any) -> Document:
    """Return a task that invokes a function with the state's input and outputs its result."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": function_arn, "Payload": "{% $states.input %}"},
        "Output": "{% $states.result.Payload %}",
        **({"Next": next_state} if next_state else {"End": True}),
        **fields,
    }


def send_to(queue: Queue, body: str = "{% $states.input %}", **fields: Any) -> Document:
    """Return a task that sends its input to a queue."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Arguments": {"QueueUrl": queue.url, "MessageBody": body},
        "End": True,
    } | fields
