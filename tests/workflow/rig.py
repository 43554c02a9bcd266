"""The definition in the embedded Step Functions, with tables, queues, a topic, and controlled functions."""

from __future__ import annotations

import io
import json
import time
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from components.workflow.file_workflow import TransformSpec, WorkflowSpec, workflow_definition
from contract.jobs import key_job_id, version_job_id
from localcloud.emulator import Emulator
from testing.policies import policy
from tests.workflow.branches import branches_taken, states_entered, task_errors

BUCKET = "photographs"
# An event for each result, as in "Monitoring S3 object scans with Amazon EventBridge" (Amazon GuardDuty User Guide).
SCAN_RESULTS = Path(__file__).with_name("scan_results")
# One function has a short timeout for a test of timeouts; that of the others is long enough for a busy machine.
TIMEOUT_SECONDS = {"validate": 20, "erase": 20, "thumbnail": 3, "metadata": 20}
# Transforms by media type: two for images, one for tables.
MEDIA_TYPES = {"thumbnail": ("image/jpeg", "image/png"), "metadata": ("image/jpeg", "image/png", "text/csv")}
JOB_RETENTION_DAYS = 30
# Backoff of a millisecond instead of a second.
WAIT_SCALE = 0.001

ACCEPTED = {
    "accepted": True,
    "mediaType": "image/jpeg",
    "measures": {"width": 640, "height": 480, "frames": 1},
    "sample": "a small copy of the picture",
    "sha256": "ab" * 32,
    "bytes": 1234,
    "durationMs": 5,
    "traceId": "1-67891233-abcdef012345678912345678",
}
REJECTED = {
    "accepted": False,
    "reasonCode": "TYPE_MISMATCH",
    "reason": "The file is a PNG, but its name says JPEG.",
    "hint": "Rename it to .png and upload it again.",
    "mediaType": "image/png",
    "sha256": "cd" * 32,
    "durationMs": 5,
    "traceId": "",
}
RENDITIONS = [
    {"name": "w320-jpeg", "key": "processed/a", "contentType": "image/jpeg", "width": 320, "height": 240, "bytes": 99},
    {"name": "w320-webp", "key": "processed/b", "contentType": "image/webp", "width": 320, "height": 240, "bytes": 77},
]
METADATA = {
    "format": "JPEG",
    "gpsPresent": True,
    "animated": False,
    "dominantColours": ["#102030"],
    "exif": {"FNumber": 2.8, "LensSpecification": [24, 70], "Notes": []},
    "hashes": {},
}
ANSWERS = {
    "validate": ACCEPTED,
    "erase": {"mediaType": "image/jpeg", "renditions": 2, "jobs": 1, "durationMs": 3},
    "thumbnail": {"transform": "thumbnail", "renditions": RENDITIONS, "metadata": {}, "durationMs": 3},
    "metadata": {"transform": "metadata", "renditions": [], "metadata": METADATA, "durationMs": 2},
}


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One version of a file; `run` is the id of a request to process it again.

    `has_job_id_of_key`: whether the test expects the job id in the key. `deletion`: the type, for a deletion's event.

    With `scan`, a result such as THREATS_FOUND, its event is that of a malware scan without a sequencer; with
    `has_sequencer`, it is sent by an operator and has one.
    """

    file_key: str
    version_id: str = "v1"
    sequencer: str = "0A1B2C"
    run: str = ""
    scan: str = ""
    has_sequencer: bool = False
    has_job_id_of_key: bool = False
    deletion: str = ""

    @property
    def job_id(self) -> str:
        """The job id of this version."""
        own = version_job_id(BUCKET, self.file_key, self.version_id)
        return (self.has_job_id_of_key and key_job_id(self.file_key)) or own

    @property
    def padded_sequencer(self) -> str:
        """The sequencer in the format in which it is stored and compared."""
        return self.sequencer.rjust(32, "0")

    @property
    def event(self) -> dict[str, Any]:
        """The event of S3 or of the scan, as EventBridge delivers it."""
        if self.scan:
            event = json.loads((SCAN_RESULTS / f"{self.scan}.json").read_text(encoding="utf-8"))
            event["detail"]["s3ObjectDetails"] |= {"objectKey": self.file_key, "versionId": self.version_id}
            ours = {"run": self.run, "sequencer": self.sequencer if self.has_sequencer else ""}
            return event | {name: value for name, value in ours.items() if value}
        return {
            "version": "0",
            "id": "17793124-05d4-b198-2fde-7ededc63b103",
            "detail-type": "Object Deleted" if self.deletion else "Object Created",
            "source": "aws.s3",
            "time": "2026-11-20T10:00:00Z",
            "detail": {
                "version": "0",
                "bucket": {"name": BUCKET},
                "object": {
                    "key": self.file_key,
                    "size": 1234,
                    "etag": "b1946ac92492d2347c6235b4d2611184",
                    "version-id": self.version_id,
                    "sequencer": self.sequencer,
                },
                **(
                    {"reason": "DeleteObject", "deletion-type": self.deletion, "requester": "123456789012"}
                    if self.deletion
                    else {"reason": "PutObject"}
                ),
            },
            **({"run": self.run} if self.run else {}),
        }


@dataclass(frozen=True, kw_only=True)
class Fault:
    """An error that the service of a state returns."""

    error: str
    cause: str = "the service said no"


@dataclass(frozen=True, kw_only=True)
class LostWrite:
    """A successful response of a state's service whose effect is lost before the next state."""


Interference = Fault | LostWrite


@dataclass(frozen=True, kw_only=True)
class Execution:
    """The result of an execution.

    Attributes:
        states: names of the states that it entered, in order, without those inside the Map.
        task_errors: errors of its tasks' attempts, in order, including those that were retried.
    """

    name: str
    status: str
    error: str
    cause: str
    output: dict[str, Any]
    states: tuple[str, ...]
    task_errors: tuple[str, ...]


class Rig:
    """Runs the workflow and reads its results."""

    def __init__(self, cloud: Emulator, control_directory: Path) -> None:
        self.cloud = cloud
        self.taken: set[str] = set()
        self._control = control_directory
        self._runs = 0
        configure(self.cloud, "_SFN_WAIT_SCALE", WAIT_SCALE)
        cloud.client("s3").create_bucket(Bucket=BUCKET)
        cloud.client("s3").put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        self._create_tables()
        self._create_queues()
        functions = self._create_functions()
        self.spec = WorkflowSpec(
            validate_function_arn=functions["validate"],
            validate_timeout_seconds=TIMEOUT_SECONDS["validate"],
            transforms=tuple(
                TransformSpec(
                    name=name,
                    media_types=media_types,
                    function_arn=functions[name],
                    timeout_seconds=TIMEOUT_SECONDS[name],
                )
                for name, media_types in MEDIA_TYPES.items()
            ),
            erase_function_arn=functions["erase"],
            assets_table="assets",
            jobs_table="jobs",
            validate_dlq_url=self.validate_dlq_url,
            results_topic_arn=self._topic_arn,
            map_concurrency=10,
            timeout_seconds=60,
            job_retention_days=JOB_RETENTION_DAYS,
            skips_identical=("text/csv",),
        )
        self.definition = workflow_definition(self.spec)
        role = self._workflow_role()
        self._machine_arns = {
            name: cloud.client("stepfunctions").create_state_machine(
                name=name, definition=json.dumps(definition), roleArn=role, type="EXPRESS"
            )["stateMachineArn"]
            for name, definition in (
                ("workflow", self.definition),
                ("scanning-workflow", workflow_definition(replace(self.spec, malware_scan=True))),
            )
        }

    def store(self, upload: Upload) -> Upload:
        """Store a version under an upload's key; return the upload with its version id."""
        answer = self.cloud.client("s3").put_object(Bucket=BUCKET, Key=upload.file_key, Body=b"")
        return replace(upload, version_id=answer["VersionId"])

    def set_responses(self, upload: Upload, function: str, *orders: Mapping[str, Any]) -> None:
        """Set the responses of a function to its calls for an upload: return values, errors or waits."""
        (self._control / f"{upload.job_id}.{function}.json").write_text(json.dumps(orders))

    def calls(self, upload: Upload, function: str) -> list[dict[str, Any]]:
        """Return the payloads that a function has received for an upload."""
        calls = self._control / f"{upload.job_id}.{function}.calls"
        return [json.loads(line) for line in calls.read_text().splitlines()] if calls.exists() else []

    def run(
        self,
        upload: Upload,
        *,
        receive_count: int = 1,
        faults: Mapping[str, Interference] | None = None,
        workflow: str = "workflow",
    ) -> Execution:
        """Run the workflow with an upload's event, as the pipe does, and wait until it ends.

        `faults` are states whose service fails at every attempt; `workflow` is the name of
        the machine, "scanning-workflow" for one that scans for malware.
        """
        self._runs += 1
        name, case = f"run-{self._runs}", f"case-{self._runs}"
        configure(self.cloud, "_sfn_mock_config", mock_config(case, faults or {}))
        message = {"messageId": name, "receiveCount": str(receive_count), "event": upload.event}
        stepfunctions = self.cloud.client("stepfunctions")
        answer = stepfunctions.start_sync_execution(
            stateMachineArn=f"{self._machine_arns[workflow]}#{case}", name=name, input=json.dumps([message])
        )
        (history,) = [
            execution["events"]
            for execution in self.cloud.executions(self._machine_arns[workflow])
            if execution["name"] == name
        ]
        self.taken |= branches_taken(self.definition, history)
        return Execution(
            name=name,
            status=answer["status"],
            error=answer.get("error", ""),
            cause=answer.get("cause", ""),
            output=json.loads(answer["output"]),
            states=states_entered(history),
            task_errors=task_errors(history),
        )

    @contextmanager
    def throttled(self, function: str) -> Iterator[None]:
        """Set a function's reserved concurrency to 0."""
        client = self.cloud.client("lambda")
        client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
        try:
            yield
        finally:
            client.delete_function_concurrency(FunctionName=function)

    def run_twice_at_once(
        self, upload: Upload, function: str, first_order: Mapping[str, Any], second_order: Mapping[str, Any]
    ) -> tuple[Execution, Execution]:
        """Run two deliveries of one event, the second completely while the first waits in a function."""
        signal = f"{upload.job_id}.go"
        self.set_responses(upload, function, {**first_order, "wait_for": signal}, second_order)
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(self.run, upload)
            while not (self.calls(upload, function) or first.done()):
                time.sleep(0.005)
            second = self.run(upload)
            (self._control / signal).touch()
            return first.result(), second

    def job(self, upload: Upload) -> dict[str, Any]:
        """Return an upload's item in the jobs table, as Python values."""
        return self.row("jobs", {"jobId": {"S": upload.job_id}})

    def stages(self, upload: Upload) -> list[tuple[int, str]]:
        """Return the stage history of an upload's job: attempt and stage."""
        return [(int(entry["attempt"]), entry["stage"]) for entry in self.job(upload)["stages"]]

    def asset(self, upload: Upload) -> dict[str, Any]:
        """Return the item of an upload's key in the assets table, as Python values."""
        return self.row("assets", {"fileKey": {"S": upload.file_key}})

    def notifications(self, upload: Upload) -> list[dict[str, Any]]:
        """Return the notifications of an upload since the last call, each with its `attributes`."""
        received = [json.loads(body) for body in self.take(self._results_url)]
        messages = [
            {
                **json.loads(envelope["Message"]),
                "attributes": {name: value["Value"] for name, value in envelope["MessageAttributes"].items()},
            }
            for envelope in received
        ]
        about = (upload.file_key, upload.version_id)
        return [message for message in messages if (message["fileKey"], message["versionId"]) == about]

    def dead_letters(self, upload: Upload) -> list[dict[str, Any]]:
        """Return the messages of an upload in the validate DLQ since the last call."""
        bodies = [json.loads(body) for body in self.take(self.validate_dlq_url)]
        return [body for body in bodies if body["file"]["jobId"] == upload.job_id]

    def row(self, table: str, key: dict[str, Any]) -> dict[str, Any]:
        """Return an item of a table, as Python values; empty if there is none."""
        item = self.cloud.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {})
        return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}

    def take(self, queue_url: str) -> list[str]:
        """Receive and delete the messages of a queue; return their bodies."""
        sqs, bodies = self.cloud.client("sqs"), []
        while messages := sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                bodies.append(message["Body"])
                sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def _create_tables(self) -> None:
        for table, key in (("assets", "fileKey"), ("jobs", "jobId")):
            self.cloud.client("dynamodb").create_table(
                TableName=table,
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )

    def _create_queues(self) -> None:
        sqs, sns = self.cloud.client("sqs"), self.cloud.client("sns")
        self.validate_dlq_url = sqs.create_queue(QueueName="validate-dlq")["QueueUrl"]
        self._topic_arn = sns.create_topic(Name="results")["TopicArn"]
        queue_arn = f"arn:aws:sqs:{self.cloud.region}:{self.cloud.account_id}:results"
        from_topic = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
        self._results_url = sqs.create_queue(
            QueueName="results", Attributes={"Policy": policy({**from_topic, "Resource": queue_arn})}
        )["QueueUrl"]
        sns.subscribe(TopicArn=self._topic_arn, Protocol="sqs", Endpoint=queue_arn)

    def _create_functions(self) -> dict[str, str]:
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as opened:
            opened.write(Path(__file__).with_name("controlled_function.py"), "controlled_function.py")
        role = self.role("function", "lambda.amazonaws.com", [])
        return {
            name: self.cloud.client("lambda").create_function(
                FunctionName=name,
                Runtime="python3.13",
                Role=role,
                Handler="controlled_function.handler",
                Code={"ZipFile": code.getvalue()},
                Timeout=TIMEOUT_SECONDS[name],
                Environment={
                    "Variables": {
                        "NAME": name,
                        "CONTROL_DIRECTORY": str(self._control),
                        "DEFAULT_ANSWER": json.dumps(answer),
                    }
                },
            )["FunctionArn"]
            for name, answer in ANSWERS.items()
        }

    def _workflow_role(self) -> str:
        actions = [
            "lambda:InvokeFunction",
            "s3:ListBucketVersions",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
        ]
        return self.role("workflow", "states.amazonaws.com", [*actions, "sqs:SendMessage", "sns:Publish"])

    def role(self, name: str, service: str, actions: Sequence[str]) -> str:
        """Create a role for a service that may perform actions on everything; return its ARN."""
        iam = self.cloud.client("iam")
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
        if actions:
            permissions = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
            iam.put_role_policy(RoleName=name, PolicyName="permissions", PolicyDocument=policy(permissions))
        return arn


def as_stored(value: object) -> Any:
    """Return JSON as DynamoDB returns it: with decimal numbers instead of floating-point numbers."""
    return json.loads(json.dumps(value), parse_float=Decimal)


def configure(cloud: Emulator, name: str, value: object) -> None:
    """Configure waits and failures of the embedded Step Functions with the emulator's own control route."""
    request = urllib.request.Request(  # noqa: S310 (the embedded cloud's own address)
        f"{cloud.endpoint_url}/_ministack/config",
        data=json.dumps({f"stepfunctions.{name}": value}).encode(),
        method="POST",
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        assert json.load(answer)["applied"], f"the emulator does not let {name} be set"


def mock_config(
    case: str, faults: Mapping[str, Interference], machines: Sequence[str] = ("workflow", "scanning-workflow")
) -> dict[str, Any]:
    """Return the faults of one run in the format of Step Functions Local's mocked service integrations."""
    cases = {"TestCases": {case: {state: state for state in faults}}}
    return {
        "StateMachines": dict.fromkeys(machines, cases),
        "MockedResponses": {state: {"0-99": _mocked(fault)} for state, fault in faults.items()},
    }


def _mocked(interference: Interference) -> dict[str, Any]:
    if isinstance(interference, Fault):
        return {"Throw": {"Error": interference.error, "Cause": interference.cause}}
    return {"Return": {}}
