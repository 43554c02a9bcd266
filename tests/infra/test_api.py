"""The HTTP API: who may call which route, from where, how often, and what the function behind it may do."""

import json
import re

import pytest

from components.settings import SettingsError
from contract import api as contract_api
from contract.api import (
    FAILED_ORDERS_ROUTE,
    OPERATOR_ROUTES,
    OPERATORS,
    ORDER_ROUTES,
    REDRIVE_ROUTE,
    REPLAY_ROUTE,
    Scope,
)
from policies.recording import ACCOUNT_ID, Recording, Resource, run, run_into
from tests.infra.conftest import state_machine

ROUTES = {**contract_api.ROUTES, **ORDER_ROUTES}
FUNCTIONS = ("api", "operator", "replay")
OPEN = {"GET /health", "GET /openapi.json"}
ORIGIN = "https://app.example.com"
CONSOLE = "https://d111111abcdef8.cloudfront.net"
AUTHORIZER = "aws:apigatewayv2/authorizer:Authorizer"
ROUTE = "aws:apigatewayv2/route:Route"
STAGE = "aws:apigatewayv2/stage:Stage"
CLIENT = "aws:cognito/userPoolClient:UserPoolClient"


def api(recording: Recording) -> dict[str, object]:
    return dict(recording.one("aws:apigatewayv2/api:Api").inputs)


@pytest.mark.parametrize("stack", ["dev", "prod", "full"])
def test_a_token_is_asked_for_on_every_route_but_health_and_the_description(
    stack: str, request: pytest.FixtureRequest
) -> None:
    recording: Recording = request.getfixturevalue(stack)
    routes = {route.inputs["routeKey"]: route.inputs for route in recording.of_type(ROUTE)}
    assert set(routes) == set(ROUTES)
    for route_key, route in routes.items():
        if route_key in OPEN:
            assert route["authorizationType"] == "NONE"
        else:
            assert route["authorizationType"] == "JWT", route_key
            assert route["authorizerId"], route_key
            assert route["authorizationScopes"], route_key


def test_a_route_takes_the_scopes_that_it_needs_in_both_spellings(dev: Recording) -> None:
    for route in dev.of_type(ROUTE):
        wanted = {spelling for scope in ROUTES[route.inputs["routeKey"]] for spelling in scope.spellings}
        assert set(route.inputs.get("authorizationScopes", [])) == wanted
    uploads = dev.one(ROUTE, routeKey="POST /uploads").inputs["authorizationScopes"]
    assert uploads == ["files:write", "img-pipeline/files:write"]


def test_tokens_of_the_stacks_own_clients_are_accepted_and_no_others(dev: Recording) -> None:
    authorizer = dev.one(AUTHORIZER).inputs
    assert authorizer["identitySources"] == ["$request.header.Authorization"]
    assert authorizer["jwtConfiguration"] == {
        "issuer": "https://cognito-idp.eu-west-1.amazonaws.com/img-pipeline-dev-callers",
        "audiences": [dev.outputs["consoleClientId"], dev.outputs["machineClientId"]],
    }


def test_another_issuer_takes_the_user_pools_place() -> None:
    issuer = {"issuer": "https://login.example.com/tenant", "audience": ["img-pipeline"]}
    recording = run("dev", {"api": issuer})
    jwt = recording.one(AUTHORIZER).inputs["jwtConfiguration"]
    assert jwt == {"issuer": issuer["issuer"], "audiences": issuer["audience"]}
    assert recording.of_type("aws:cognito/userPool:UserPool") == []
    assert {recording.outputs[name] for name in ("userPoolId", "consoleClientId", "machineClientId")} == {""}


def test_without_authentication_no_route_asks_for_a_token_and_there_is_no_user_pool(local: Recording) -> None:
    assert {route.inputs["authorizationType"] for route in local.of_type(ROUTE)} == {"NONE"}
    assert local.of_type(AUTHORIZER) == local.of_type("aws:cognito/userPool:UserPool") == []


def test_only_local_is_without_authentication(dev: Recording, prod: Recording) -> None:
    assert dev.one(AUTHORIZER)
    assert prod.one(AUTHORIZER)


def test_no_web_page_may_call_it_or_upload_but_the_console_unless_the_settings_name_its_origin(dev: Recording) -> None:
    assert dev.one("aws:apigatewayv2/api:Api").inputs["corsConfiguration"]["allowOrigins"] == [CONSOLE]
    without = run("dev", {"api": {"console": False}})
    assert "corsConfiguration" not in api(without)
    assert without.of_type("BucketCorsConfiguration") == []


def test_pages_of_the_named_origins_may_call_it_and_read_the_headers_that_uploads_need(full: Recording) -> None:
    cors = api(full)["corsConfiguration"]
    assert isinstance(cors, dict)
    assert cors["allowOrigins"] == [ORIGIN, CONSOLE]
    assert set(cors["allowMethods"]) == {"GET", "POST", "DELETE"}
    assert {"authorization", "content-type", "idempotency-key", "if-none-match"} == set(cors["allowHeaders"])
    assert {"etag", "location"} <= set(cors["exposeHeaders"])
    assert "allowCredentials" not in cors


def test_pages_of_the_named_origins_may_upload_to_the_ingest_bucket_and_only_read_renditions(full: Recording) -> None:
    methods = {"ingestBucket": {"PUT", "POST", "GET"}, "processedBucket": {"GET"}}
    assert len(full.of_type("BucketCorsConfiguration")) == len(methods)
    for bucket, allowed in methods.items():
        (rule,) = full.one("BucketCorsConfiguration", bucket=full.outputs[bucket]).inputs["corsRules"]
        assert rule["allowedOrigins"] == [ORIGIN, CONSOLE]
        assert set(rule["allowedMethods"]) == allowed
        assert {"ETag", "Location"} <= set(rule["exposeHeaders"])


def test_calls_are_limited_and_uploads_more_so(recording: Recording) -> None:
    stage = recording.one(STAGE).inputs
    assert stage["name"] == "api"
    assert stage["defaultRouteSettings"] == {"throttlingRateLimit": 50, "throttlingBurstLimit": 100}
    (uploads,) = stage["routeSettings"]
    assert uploads == {"routeKey": "POST /uploads", "throttlingRateLimit": 20, "throttlingBurstLimit": 20}


def test_routes_are_there_before_the_stage_that_limits_them(recording: Recording) -> None:
    stage = recording.one(STAGE)
    assert {route.urn for route in recording.of_type(ROUTE)} <= stage.dependencies


def test_every_call_is_logged_without_what_is_secret(recording: Recording) -> None:
    log = recording.one(STAGE).inputs["accessLogSettings"]
    assert log["destinationArn"] == recording.one("LogGroup", name=recording.outputs["logGroups"]["api-access"]).arn
    entry = json.loads(log["format"])
    assert {"requestId", "routeKey", "status", "caller", "sourceIp", "authorizerError"} <= set(entry)
    variables = " ".join(entry.values()).lower()
    assert not re.search(r"header|query|token|path\b|authorization\b", variables)


def test_refused_calls_are_counted_where_there_is_an_authorizer(prod: Recording, local: Recording) -> None:
    refused = prod.one("LogMetricFilter").inputs
    assert refused["logGroupName"] == prod.outputs["logGroups"]["api-access"]
    assert refused["pattern"] == '{ ($.status = "401") || ($.status = "403") }'
    assert local.of_type("LogMetricFilter") == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_api_may_call_its_functions_and_only_this_api_may(recording: Recording, name: str) -> None:
    function = f"img-pipeline-{recording.stack}-{name}"
    permission = recording.one("aws:lambda/permission:Permission", function=function).inputs
    assert permission["qualifier"] == "live"
    assert permission["principal"] == "apigateway.amazonaws.com"
    api_name = f"img-pipeline-{recording.stack}-api"
    assert permission["sourceArn"] == f"arn:aws:execute-api:eu-west-1:{ACCOUNT_ID}:{api_name}/api/*"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_finished_before_the_api_gives_up(recording: Recording, name: str) -> None:
    function = recording.one("aws:lambda/function:Function", name=f"img-pipeline-{recording.stack}-{name}")
    assert function.inputs["timeout"] * 1000 < integration(recording, name).inputs["timeoutMilliseconds"] <= 30_000


def test_operators_routes_go_to_functions_of_their_own(recording: Recording) -> None:
    """Neither replay nor a look at the queues needs a permission of the function that everybody calls."""
    answered_by = {"operator": {*OPERATOR_ROUTES, FAILED_ORDERS_ROUTE}, "replay": {REPLAY_ROUTE, REDRIVE_ROUTE}}
    answered_by["api"] = set(ROUTES) - answered_by["operator"] - answered_by["replay"]
    for name, routes in answered_by.items():
        target = integration(recording, name).urn
        found = [route for route in recording.of_type(ROUTE) if target in route.property_dependencies["target"]]
        assert {route.inputs["routeKey"] for route in found} == routes


def integration(recording: Recording, name: str) -> Resource:
    function = f"img-pipeline-{recording.stack}-{name}"
    alias = recording.one("aws:lambda/alias:Alias", functionName=function)
    return recording.one("aws:apigatewayv2/integration:Integration", integrationUri=alias.arn)


def test_the_function_is_told_which_settings_are_its_own(dev: Recording) -> None:
    function = dev.one("aws:lambda/function:Function", name="img-pipeline-dev-api")
    told = json.loads(function.inputs["environment"]["variables"]["API_SETTINGS"])
    assert (told["auth"], told["daily_uploads_per_caller"]) == ("jwt", 10_000)


def test_addresses_are_outputs(dev: Recording) -> None:
    assert dev.outputs["apiUrl"] == "https://img-pipeline-dev-api.execute-api.eu-west-1.amazonaws.com/api"
    off = run("dev", {"api": {"enabled": False}})
    assert {off.outputs[name] for name in ("apiUrl", "consoleUrl", "userPoolId")} == {""}
    assert off.of_type("aws:apigatewayv2/api:Api") == []


def test_nobody_signs_up_by_themselves_and_passwords_are_strong(dev: Recording) -> None:
    pool = dev.one("aws:cognito/userPool:UserPool").inputs
    assert pool["adminCreateUserConfig"] == {"allowAdminCreateUserOnly": True}
    policy = pool["passwordPolicy"]
    assert policy["minimumLength"] >= 14
    assert all(policy[f"require{kind}"] for kind in ("Lowercase", "Uppercase", "Numbers", "Symbols"))
    assert pool["mfaConfiguration"] == "OPTIONAL"
    assert pool["softwareTokenMfaConfiguration"] == {"enabled": True}


def test_the_user_pool_is_protected_as_other_state_is(dev: Recording, prod: Recording) -> None:
    protection = [
        recording.one("aws:cognito/userPool:UserPool").inputs["deletionProtection"] for recording in (dev, prod)
    ]
    assert protection == ["INACTIVE", "ACTIVE"]


def test_the_console_has_no_secret_and_machines_have_no_page(dev: Recording) -> None:
    console, machine = (dev.one(CLIENT, name=f"img-pipeline-dev-{role}").inputs for role in ("console", "machine"))
    assert (console["generateSecret"], console["allowedOauthFlows"]) == (False, ["code"])
    assert (machine["generateSecret"], machine["allowedOauthFlows"]) == (True, ["client_credentials"])
    for client in (console, machine):
        assert client["preventUserExistenceErrors"] == "ENABLED"
        assert client["enableTokenRevocation"] is True
        assert client["explicitAuthFlows"] == ["ALLOW_REFRESH_TOKEN_AUTH"], "passwords are for the sign-in page alone"


def test_no_client_makes_an_operator_of_everybody_who_uses_it(dev: Recording) -> None:
    for client in dev.of_type(CLIENT):
        assert "img-pipeline/files:operate" not in client.inputs["allowedOauthScopes"], client
        assert {"img-pipeline/files:write", "img-pipeline/files:read"} <= set(client.inputs["allowedOauthScopes"])
    assert dev.one("UserGroup").inputs["name"] == OPERATORS


def test_the_user_pool_knows_every_scope(dev: Recording) -> None:
    server = dev.one("ResourceServer").inputs
    assert server["identifier"] == "img-pipeline"
    assert [scope["scopeName"] for scope in server["scopes"]] == list(Scope)
    for client in dev.of_type(CLIENT):
        assert dev.one("ResourceServer").urn in client.dependencies, "Cognito refuses scopes that it does not know yet"


def test_the_firewall_stands_before_the_sign_in_only_where_it_is_asked_for(dev: Recording, full: Recording) -> None:
    assert dev.of_type("WebAcl") == []
    association = full.one("WebAclAssociation").inputs
    assert association["resourceArn"] == full.one("aws:cognito/userPool:UserPool").arn
    assert association["webAclArn"] == full.one("aws:wafv2/webAcl:WebAcl").arn
    rules = {rule["name"]: rule for rule in full.one("aws:wafv2/webAcl:WebAcl").inputs["rules"]}
    assert rules["requests-per-address"]["action"] == {"block": {}}
    assert rules["bad-addresses"]["overrideAction"] == {"none": {}}


def test_the_function_reads_and_writes_these_and_nothing_else(dev: Recording) -> None:
    uploads = f"arn:aws:s3:::img-pipeline-dev-ingest-{ACCOUNT_ID}/uploads/*"
    renditions = f"arn:aws:s3:::img-pipeline-dev-processed-{ACCOUNT_ID}/processed/uploads/*"
    jobs, assets, orders = (
        dev.one("Table", name=f"img-pipeline-dev-{table}").arn for table in ("jobs", "assets", "orders")
    )
    assert granted(dev, "api") == {
        ("s3:PutObject", uploads),
        ("s3:AbortMultipartUpload", uploads),
        ("s3:ListMultipartUploadParts", uploads),
        ("s3:GetObjectVersion", uploads),
        ("s3:DeleteObject", uploads),
        ("s3:GetObject", renditions),
        *((f"dynamodb:{action}", jobs) for action in ("GetItem", "BatchGetItem", "PutItem", "UpdateItem")),
        *(("dynamodb:Query", f"{jobs}/index/{index}-index") for index in ("fileKey", "owner", "status")),
        *((f"dynamodb:{action}", assets) for action in ("GetItem", "BatchGetItem")),
        *(("dynamodb:Query", f"{assets}/index/{index}-index") for index in ("owner", "shard")),
        ("states:StartSyncExecution", state_machine(dev, "order-state-machine").arn),
        *((f"dynamodb:{action}", orders) for action in ("GetItem", "BatchGetItem")),
        *(("dynamodb:Query", f"{orders}/index/{index}-index") for index in ("owner", "status")),
    }


def test_who_looks_at_the_queues_can_neither_send_nor_delete_a_message(dev: Recording) -> None:
    queues = [queue.arn for queue in dev.of_type("aws:sqs/queue:Queue")]
    dead_letters = [arn for arn in queues if arn.endswith("-dlq")]
    failed_orders = dev.one("Table", name="img-pipeline-dev-failed-orders").arn
    assert granted(dev, "operator") == {
        *(("sqs:GetQueueAttributes", arn) for arn in queues),
        *((f"sqs:{action}", arn) for action in ("ReceiveMessage", "ChangeMessageVisibility") for arn in dead_letters),
        ("dynamodb:BatchGetItem", dev.one("Table", name="img-pipeline-dev-jobs").arn),
        ("pipes:DescribePipe", f"arn:aws:pipes:eu-west-1:{ACCOUNT_ID}:pipe/img-pipeline-dev-pipe"),
        ("cloudwatch:DescribeAlarms", f"arn:aws:cloudwatch:eu-west-1:{ACCOUNT_ID}:alarm:*"),
        ("cloudwatch:GetMetricData", "*"),
        ("dynamodb:Query", f"{failed_orders}/index/status-index"),
        ("dynamodb:BatchGetItem", failed_orders),
    }


def test_the_replay_moves_from_dead_letter_queues_to_the_others_and_nowhere_else(dev: Recording) -> None:
    queues = [queue.arn for queue in dev.of_type("aws:sqs/queue:Queue")]
    orders, failed_orders = (
        dev.one("Table", name=f"img-pipeline-dev-{table}").arn for table in ("orders", "failed-orders")
    )
    taken = ("GetQueueAttributes", "ReceiveMessage", "ChangeMessageVisibility", "DeleteMessage")
    assert granted(dev, "replay") == {
        *((f"sqs:{action}", arn) for action in taken for arn in queues if arn.endswith("-dlq")),
        *(("sqs:SendMessage", arn) for arn in queues if not arn.endswith("-dlq")),
        ("dynamodb:BatchGetItem", dev.one("Table", name="img-pipeline-dev-jobs").arn),
        ("dynamodb:Query", f"{failed_orders}/index/status-index"),
        ("dynamodb:BatchGetItem", failed_orders),
        *(("dynamodb:UpdateItem", table) for table in (orders, failed_orders)),
    }


def test_the_replay_reads_scan_results_where_files_are_scanned() -> None:
    uploads = f"arn:aws:s3:::img-pipeline-dev-ingest-{ACCOUNT_ID}/uploads/*"
    assert ("s3:GetObjectVersionTagging", uploads) in granted(run("dev", {"malwareScan": True}), "replay")


def granted(recording: Recording, name: str) -> set[tuple[str, str]]:
    """What a function's role allows, but its logs and traces."""
    role = f"img-pipeline-{recording.stack}-{name}"
    policy = json.loads(recording.one("RolePolicy", role=role).inputs["policy"])
    return {
        (action, resource)
        for statement in policy["Statement"]
        for action in statement["Action"]
        for resource in statement["Resource"]
        if not action.startswith(("logs:", "xray:"))
    }


def test_a_stack_whose_name_cannot_be_part_of_a_sign_in_domain_is_refused() -> None:
    recording = Recording(stack="on-aws")
    with pytest.raises(
        SettingsError, match=r'the stack\'s name "on-aws" is not accepted: .* Cognito refuses aws there'
    ):
        run_into(recording, settings_of="dev")
    assert recording.resources == []
