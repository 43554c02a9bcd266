"""The functions, the workflow and the network of the functions."""

import json
import re

from policies.recording import PROJECT_DIRECTORY, Recording, Resource, run
from tests.infra.conftest import function_names, state_machine

FUNCTION = "aws:lambda/function:Function"


def functions(recording: Recording) -> dict[str, Resource]:
    prefix = f"img-pipeline-{recording.stack}-"
    return {function.inputs["name"].removeprefix(prefix): function for function in recording.of_type(FUNCTION)}


def environment(recording: Recording, short_name: str) -> dict[str, str]:
    return functions(recording)[short_name].inputs["environment"]["variables"]


def test_every_function_and_its_handler_exist(recording: Recording) -> None:
    assert functions(recording).keys() == function_names(recording)
    for function in functions(recording).values():
        module, _, attribute = function.inputs["handler"].rpartition(".")
        source = PROJECT_DIRECTORY / (module.replace(".", "/") + ".py")
        assert attribute == "handler"
        assert re.search(r"^(def handler\(|handler = )", source.read_text(encoding="utf-8"), re.MULTILINE), source


def test_all_functions_run_one_code_archive_and_each_its_layer(recording: Recording) -> None:
    layers = {layer.arn: layer for layer in recording.of_type("LayerVersion")}
    for function in functions(recording).values():
        (layer,) = (layers[arn] for arn in function.inputs["layers"])
        assert function.inputs["architectures"] == layer.inputs["compatibleArchitectures"]
        assert [function.inputs["runtime"]] == layer.inputs["compatibleRuntimes"]
    assert len({function.inputs["code"].path for function in functions(recording).values()}) == 1


def test_functions_have_concurrency_limits_and_timeouts(recording: Recording) -> None:
    machine = state_machine(recording)
    workflow_timeout = json.loads(machine.inputs["definition"])["TimeoutSeconds"]
    for short_name, function in functions(recording).items():
        # Of the pipe's executions, each runs one erase function at most; the API's calls are throttled; the event
        # source mappings of webhooks and orders have a maximum concurrency.
        bounded = short_name in ("erase", "api", "operator", "replay", "webhook", "fulfil", "failed_order")
        assert function.inputs["reservedConcurrentExecutions"] >= 1 or bounded, function
        # Orders are no part of the file's workflow.
        assert function.inputs["timeout"] < workflow_timeout or short_name == "fulfil", function


def test_reserved_concurrency_0_is_unreserved_and_does_not_throttle() -> None:
    recording = run("dev", {"validate": {"reservedConcurrency": 0}})
    # The provider's value for "no reservation"; with 0, Lambda would throttle every call.
    assert functions(recording)["validate"].inputs["reservedConcurrentExecutions"] == -1
    assert functions(recording)["thumbnail"].inputs["reservedConcurrentExecutions"] > 0


def test_nothing_but_the_workflow_retries_a_function(recording: Recording) -> None:
    for function in functions(recording).values():
        alias = recording.one("aws:lambda/alias:Alias", functionName=function.inputs["name"])
        assert alias.inputs["name"] == "live"
        assert alias.inputs["functionVersion"] == "1"
        assert function.inputs["publish"] is True
        invocation = recording.one("FunctionEventInvokeConfig", functionName=function.inputs["name"])
        assert invocation.inputs["maximumRetryAttempts"] == 0
        assert invocation.inputs["qualifier"] == "live"


def test_functions_and_workflows_are_traced(recording: Recording) -> None:
    for function in functions(recording).values():
        assert function.inputs["tracingConfig"] == {"mode": "Active"}
    for machine in recording.of_type("aws:sfn/stateMachine:StateMachine"):
        assert machine.inputs["tracingConfiguration"] == {"enabled": True}


def test_prod_has_provisioned_concurrency_for_validate(prod: Recording, dev: Recording) -> None:
    warm = prod.one("ProvisionedConcurrencyConfig")
    assert warm.inputs["functionName"] == "img-pipeline-prod-validate"
    assert warm.inputs["qualifier"] == "live"
    assert dev.of_type("ProvisionedConcurrencyConfig") == []


def test_functions_start_from_snapshots_if_the_settings_say_so_and_lambda_offers_it(dev: Recording) -> None:
    assert not [each for each in functions(dev).values() if each.inputs.get("snapStart")]
    media = {"image": {"maxPixels": 50_000_000}, "table": None}
    small = {"maxBytes": 1_000_000, "media": media, "transforms": {"table": None}}
    recording = run("dev", {"snapStart": True, **small})
    started = {name for name, each in functions(recording).items() if "snapStart" in each.inputs}
    assert started == functions(recording).keys()
    for name in started:
        assert functions(recording)[name].inputs["snapStart"] == {"applyOn": "PublishedVersions"}
    warm = run("dev", {"snapStart": True, **small, "validate": {"provisionedConcurrency": 1}})
    assert "snapStart" not in functions(warm)["validate"].inputs


def test_a_function_with_more_storage_does_not_start_from_a_snapshot() -> None:
    recording = run("dev", {"snapStart": True})
    for function in functions(recording).values():
        assert ("snapStart" in function.inputs) == (function.inputs["ephemeralStorage"]["size"] == 512)
    assert functions(recording)["validate"].inputs["ephemeralStorage"]["size"] > 512


def test_functions_receive_their_limits_from_the_settings(dev: Recording) -> None:
    validate = environment(dev, "validate")
    assert validate["MAX_BYTES"] == "52428800"
    image = json.loads(validate["MEDIA"])["image"]
    assert (image["maxPixels"], image["maxFrames"], image["accepted"][0]) == (50_000_000, 300, "image/jpeg")
    assert validate["DENYLIST_TABLE"] == "img-pipeline-dev-denylist"
    presets = json.loads(environment(dev, "thumbnail")["SETTINGS"])["presets"]
    assert presets["w160"] == {"width": 160, "formats": ["jpeg", "webp"], "quality": 82}
    assert json.loads(environment(dev, "watermark")["SETTINGS"]) == {
        "text": "© img-pipeline",
        "opacity": 0.6,
        "position": "bottom-right",
        "logoPath": "",
    }
    assert "PROCESSED_BUCKET" not in environment(dev, "metadata")
    for short_name in function_names(dev):
        assert environment(dev, short_name)["POWERTOOLS_SERVICE_NAME"] == short_name


def test_the_workflow_is_an_express_state_machine_with_the_log_settings_of_the_stack(
    dev: Recording, prod: Recording
) -> None:
    for recording, level, with_data in ((dev, "ALL", True), (prod, "ERROR", False)):
        machine = state_machine(recording)
        assert machine.inputs["type"] == "EXPRESS"
        log_group = recording.one("LogGroup", name=f"/aws/vendedlogs/states/{machine.inputs['name']}")
        assert machine.inputs["loggingConfiguration"] == {
            "level": level,
            "includeExecutionData": with_data,
            "logDestination": f"{log_group.arn}:*",
        }


def test_the_workflow_fits_an_express_execution(recording: Recording) -> None:
    definition = json.loads(state_machine(recording).inputs["definition"])
    assert definition["TimeoutSeconds"] <= 300
    assert definition["QueryLanguage"] == "JSONata"


def test_functions_share_one_security_group_without_ingress(full: Recording) -> None:
    group = full.one("SecurityGroup", name="img-pipeline-prod-functions")
    configurations = [function.inputs["vpcConfig"] for function in functions(full).values()]
    assert all(configuration == configurations[0] for configuration in configurations)
    assert configurations[0]["subnetIds"] == ["subnet-0a1", "subnet-0a2"]
    (group_id,) = configurations[0]["securityGroupIds"]
    assert "ingress" not in group.inputs
    assert full.one("SecurityGroupEgressRule").inputs["securityGroupId"] == group_id
    assert not any("egress" in each.inputs for each in full.of_type("SecurityGroup"))
    (ingress,) = full.of_type("SecurityGroupIngressRule")
    assert ingress.inputs["securityGroupId"] != group_id
    assert ingress.inputs["referencedSecurityGroupId"] == group_id


def test_functions_reach_port_443_only(full: Recording) -> None:
    egress = full.one("SecurityGroupEgressRule").inputs
    assert (egress["ipProtocol"], egress["fromPort"], egress["toPort"]) == ("tcp", 443, 443)


def test_functions_reach_aws_through_vpc_endpoints(full: Recording) -> None:
    endpoints = {
        endpoint.inputs["serviceName"].split(".")[-1]: endpoint.inputs for endpoint in full.of_type("VpcEndpoint")
    }
    assert endpoints["s3"]["vpcEndpointType"] == endpoints["dynamodb"]["vpcEndpointType"] == "Gateway"
    assert endpoints["s3"]["routeTableIds"] == ["rtb-0a1"]
    interfaces = {name for name, inputs in endpoints.items() if inputs["vpcEndpointType"] == "Interface"}
    assert interfaces == {"logs", "sqs", "sns", "sync-states", "xray"}
    assert all(endpoints[name]["privateDnsEnabled"] for name in interfaces)


def test_functions_are_outside_a_vpc_by_default(prod: Recording) -> None:
    assert all("vpcConfig" not in function.inputs for function in functions(prod).values())
    assert prod.of_type("SecurityGroup") == []


def test_local_reserves_little_concurrency(local: Recording) -> None:
    assert all(function.inputs["reservedConcurrentExecutions"] <= 4 for function in functions(local).values())
