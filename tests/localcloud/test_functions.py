"""Functions fail, are throttled, log and have metrics as on AWS."""

from __future__ import annotations

import io
import json
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from localcloud.emulator import Emulator
from testing.waiting import eventually
from tests.localcloud.workbench import Workbench, call_function

pytest_plugins = ["localcloud.pytest_fixture"]

# Raises an error as often as the event says; returns its process id.
FALLIBLE = """
import json, os, sys, time

class TransientError(Exception):
    pass

failures = 0

def handler(event, context):
    global failures
    time.sleep(event.get("seconds", 0))
    if failures < event.get("failures", 0):
        failures += 1
        raise TransientError("the service is busy")
    if event.get("exit"):
        sys.exit(1)
    return {"process": os.getpid(), "failures": failures, "trace": os.environ.get("_X_AMZN_TRACE_ID", "")}
"""
RETRY = [{"ErrorEquals": ["TransientError"], "IntervalSeconds": 1, "MaxAttempts": 2, "JitterStrategy": "FULL"}]


@pytest.fixture
def bench(cloud: Emulator) -> Workbench:
    return Workbench(cloud)


@pytest.fixture(scope="module")
def fallible(cloud: Emulator) -> str:
    return Workbench(cloud).function(FALLIBLE, Timeout=1, TracingConfig={"Mode": "Active"})


def total(cloud: Emulator, namespace: str, name: str, statistic: str = "Sum", **dimensions: str) -> float:
    statistics = cloud.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=time.time() - 600,
        EndTime=time.time() + 60,
        Period=3600,
        Statistics=[statistic],
    )
    return sum(point[statistic] for point in statistics["Datapoints"])


def test_a_workflow_retries_on_the_class_of_the_exception(bench: Workbench) -> None:
    function = bench.function(FALLIBLE)
    execution = bench.run(bench.calling(function, Retry=RETRY), {"failures": 1})
    assert execution["status"] == "SUCCEEDED"
    assert json.loads(execution["output"])["failures"] == 1


def test_the_workflow_gets_the_class_message_and_traceback_of_an_exception(bench: Workbench) -> None:
    function = bench.function(FALLIBLE)
    execution = bench.run(bench.calling(function), {"failures": 1})
    assert (execution["status"], execution["error"]) == ("FAILED", "TransientError")
    cause = json.loads(execution["cause"])
    assert (cause["errorType"], cause["errorMessage"]) == ("TransientError", "the service is busy")
    assert "in handler" in "".join(cause["stackTrace"])


def test_a_direct_caller_gets_the_class_and_message_of_an_exception(bench: Workbench) -> None:
    function = bench.function(FALLIBLE)
    answer = bench.cloud.client("lambda").invoke(FunctionName=function, Payload=b'{"failures": 1}')
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read())["errorType"] == "TransientError"


def test_an_exception_is_logged_and_the_environment_is_reused(bench: Workbench) -> None:
    function = bench.function(FALLIBLE)
    workflow = bench.calling(function, Retry=RETRY)
    output = json.loads(bench.run(workflow, {"failures": 2})["output"])
    # The counter is in the process, so all three attempts ran in the same one.
    assert output["failures"] == 2
    logs = bench.cloud.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{function.split(':')[6]}")
    messages = [event["message"] for event in logs["events"]]
    assert messages.count("main.TransientError: the service is busy") == 2


def test_a_timeout_has_the_error_name_of_aws(bench: Workbench, fallible: str) -> None:
    execution = bench.run(bench.calling(fallible), {"seconds": 5})
    assert (execution["status"], execution["error"]) == ("FAILED", "Sandbox.Timedout")
    assert "Task timed out after 1" in execution["cause"]


def test_a_process_that_exits_fails_the_call(bench: Workbench, fallible: str) -> None:
    assert bench.run(bench.calling(fallible), {"exit": True})["status"] == "FAILED"
    assert bench.run(bench.calling(fallible))["status"] == "SUCCEEDED"


def test_reserved_concurrency_throttles_a_workflow_with_the_error_that_it_retries(
    bench: Workbench, tmp_path: Path
) -> None:
    busy = tmp_path / "busy"
    function = bench.function(
        f"""
        import pathlib, time
        busy = pathlib.Path({str(busy)!r})
        def handler(event, context):
            busy.touch()
            while busy.exists():
                time.sleep(0.01)
        """
    )
    name = function.split(":")[6]
    bench.cloud.client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    workflow = bench.calling(function)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(bench.run, workflow)
        eventually(busy.exists)
        second = bench.run(workflow)
        busy.unlink()
        assert first.result()["status"] == "SUCCEEDED"
    assert second["error"] == "Lambda.TooManyRequestsException"

    def count(metric: str, statistic: str = "Sum") -> float:
        return total(bench.cloud, "AWS/Lambda", metric, statistic, FunctionName=name)

    # The first call's duration is recorded last; metrics are published in the order in which they are recorded.
    eventually(lambda: count("Duration", "SampleCount") == 1)
    assert (count("Throttles"), count("Invocations")) == (1, 1)


def test_all_functions_of_an_execution_share_its_trace(bench: Workbench, fallible: str) -> None:
    states = {
        "First": call_function(fallible, "Second", Assign={"first": "{% $states.result.Payload.trace %}"}),
        "Second": call_function(fallible, Output="{% [$first, $states.result.Payload.trace] %}"),
    }
    workflow = bench.workflow(states, ("lambda:InvokeFunction", fallible))
    traces = [json.loads(bench.run(workflow)["output"]) for _ in range(2)]
    roots = [[header.split(";")[0] for header in pair] for pair in traces]
    assert roots[0][0].startswith("Root=1-")
    assert roots[0][0] == roots[0][1]
    assert roots[0] != roots[1]
    assert traces[0][0] != traces[0][1]


def test_without_active_tracing_there_is_no_trace(bench: Workbench) -> None:
    function = bench.function(FALLIBLE)
    assert json.loads(bench.run(bench.calling(function))["output"])["trace"] == ""


def test_metrics_count_invocations_by_workflows_and_by_callers(bench: Workbench) -> None:
    function = bench.function(FALLIBLE)
    name = function.split(":")[6]
    bench.run(bench.calling(function), {"failures": 1})
    bench.cloud.client("lambda").invoke(FunctionName=function, Payload=b'{"seconds": 0.1}')

    def of(metric: str, statistic: str = "Sum") -> float:
        return total(bench.cloud, "AWS/Lambda", metric, statistic, FunctionName=name)

    eventually(lambda: of("Invocations") == 2)
    assert of("Errors") == 1
    assert of("Throttles") == 0
    assert of("Duration", "Maximum") >= 100
    assert of("ConcurrentExecutions", "Maximum") == 1


@pytest.mark.parametrize("values", [[1], [3.5, 4.5]])
def test_embedded_metrics_in_a_log_line_are_published(bench: Workbench, values: list[float]) -> None:
    namespace = bench.name("namespace")
    line: dict[str, Any] = {
        "_aws": {
            "Timestamp": int(time.time() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": namespace,
                    "Dimensions": [["service"], ["service", "function_name"]],
                    "Metrics": [{"Name": "ColdStart", "Unit": "Count"}],
                }
            ],
        },
        "service": "thumbnail",
        "function_name": "f",
        "ColdStart": values if len(values) > 1 else values[0],
        "message": "a field that is not a metric",
    }
    broken = '{"CloudWatchMetrics": "not in embedded metric format"}'
    function = bench.function(f"def handler(event, context): print({json.dumps(line)!r}); print({broken!r}); print(1)")
    bench.run(bench.calling(function))
    eventually(lambda: total(bench.cloud, namespace, "ColdStart", service="thumbnail") == sum(values))
    assert total(bench.cloud, namespace, "ColdStart", service="thumbnail", function_name="f") == sum(values)
    assert total(bench.cloud, namespace, "ColdStart", "SampleCount", service="thumbnail") == len(values)


def test_all_environments_share_one_extracted_layer(bench: Workbench, tmp_path: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("python/from_layer.py", "ANSWER = 42")
    layer = bench.cloud.client("lambda").publish_layer_version(
        LayerName=bench.name("layer"), Content={"ZipFile": archive.getvalue()}
    )["LayerVersionArn"]
    gate = tmp_path / "gate"
    code = f"""
        import os, pathlib, time
        import from_layer
        def handler(event, context):
            pathlib.Path({str(tmp_path)!r}, str(os.getpid())).touch()
            while not pathlib.Path({str(gate)!r}).exists():
                time.sleep(0.01)
            return [os.getpid(), from_layer.__file__, from_layer.ANSWER]
        """
    workflow = bench.calling(bench.function(code, Layers=[layer]))
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(bench.run, workflow) for _ in range(2)]
        eventually(lambda: len(list(tmp_path.iterdir())) == 2)
        gate.touch()
        one, other = (json.loads(each.result()["output"]) for each in running)
    assert one[0] != other[0]
    assert one[1:] == other[1:]
    assert one[2] == 42


@pytest.mark.parametrize("package", ["boto3", "botocore", "urllib3", "dateutil"])
def test_function_can_import_what_lambda_includes(bench: Workbench, package: str) -> None:
    assert imported_in_function(bench, package)["imported"] == package


@pytest.mark.parametrize(
    "package", ["rich", "pulumi", "PIL", "aws_lambda_powertools", "operations", "localcloud", "pip"]
)
def test_function_cannot_import_what_is_in_neither_its_archive_nor_its_layers(bench: Workbench, package: str) -> None:
    assert imported_in_function(bench, package) == {"missing": package}


def imported_in_function(bench: Workbench, package: str) -> dict[str, str]:
    code = """
    import importlib

    def handler(event, context):
        try:
            return {"imported": importlib.import_module(event["package"]).__name__}
        except ModuleNotFoundError as error:
            return {"missing": error.name}
    """
    function = bench.function(code)
    workflow = bench.workflow({"Call": call_function(function)}, ("lambda:InvokeFunction", function))
    return json.loads(bench.run(workflow, {"package": package})["output"])
