"""Orders: where the API and images are, bounded, kept when given up, and watched; each role may do its part alone."""

import json
from collections.abc import Iterator

import pytest

from components.settings import SettingsError
from contract.api import REDRIVE_ROUTE
from policies.recording import ACCOUNT_ID, Recording, run
from tests.infra.alarm_cases import essential_alarms, order_cases
from tests.infra.test_policies import violations

MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
QUEUE = "aws:sqs/queue:Queue"
DISABLED = {"orders": {"enabled": False}}


@pytest.fixture(scope="module", params=["dev", "prod", "local"])
def shop(request: pytest.FixtureRequest) -> Recording:
    return request.getfixturevalue(request.param)


def grants(shop: Recording, role: str) -> Iterator[tuple[str, str]]:
    """(action, resource) of a role's permissions, without logs and traces."""
    policy = json.loads(shop.one("RolePolicy", role=f"img-pipeline-{shop.stack}-{role}").inputs["policy"])
    for statement in policy["Statement"]:
        for action in statement["Action"]:
            if not action.startswith(("logs:", "xray:")):
                yield from ((action, resource.rpartition(":")[2]) for resource in statement["Resource"])


@pytest.mark.parametrize(
    "settings",
    [
        DISABLED,
        {"api": {"enabled": False}},
        {"media": {"image": None}, "transforms": {"thumbnail": None, "watermark": None, "metadata": None}},
    ],
    ids=["disabled", "without-api", "without-images"],
)
def test_there_are_none_where_they_are_disabled_or_nothing_can_be_ordered(settings: dict[str, object]) -> None:
    recording = run("dev", settings)
    outputs = recording.outputs
    assert {outputs[name] for name in ("ordersTable", "failedOrdersTable", "orderQueueUrl", "orderDlqUrl")} == {""}
    assert "fulfil" not in outputs["functionNames"]
    assert not [route for route in recording.of_type("Route") if "/orders" in route.inputs["routeKey"]]


@pytest.mark.parametrize(
    ("settings", "offered"), [({}, True), ({"transforms": {"watermark": None}}, False)], ids=["with", "without"]
)
def test_the_watermark_can_be_ordered_where_the_stack_has_it(settings: dict[str, object], offered: bool) -> None:
    function = run("dev", settings).one("aws:lambda/function:Function", name="img-pipeline-dev-api")
    variables = function.inputs["environment"]["variables"]
    assert json.loads(variables["API_SETTINGS"])["orders_watermarks"] is offered


def test_queues_are_consumed_in_bounded_batches_that_report_each_message(shop: Recording) -> None:
    names = f"img-pipeline-{shop.stack}-"
    consumers = {
        mapping.inputs["eventSourceArn"].rpartition(":")[2]: mapping.inputs for mapping in shop.of_type(MAPPING)
    }
    for queue, function in (("order-queue", "fulfil"), ("order-dlq", "failed_order")):
        mapping = consumers[names + queue]
        assert mapping["functionName"].endswith(f":function:{names}{function}:live")
        assert mapping["functionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["scalingConfig"]["maximumConcurrency"] >= 2
        timeout = shop.one("aws:lambda/function:Function", name=names + function).inputs["timeout"]
        assert shop.one(QUEUE, name=names + queue).inputs["visibilityTimeoutSeconds"] >= 6 * timeout


def test_an_order_that_is_given_up_is_kept_for_its_handler(shop: Recording) -> None:
    queue = shop.one(QUEUE, name=f"img-pipeline-{shop.stack}-order-queue").inputs
    dead_letters = shop.one(QUEUE, name=f"img-pipeline-{shop.stack}-order-dlq")
    assert json.loads(queue["redrivePolicy"]) == {"deadLetterTargetArn": dead_letters.arn, "maxReceiveCount": 5}
    assert dead_letters.inputs["messageRetentionSeconds"] == 14 * 24 * 3600


def test_failures_are_never_deleted_and_orders_after_a_while(shop: Recording) -> None:
    names = f"img-pipeline-{shop.stack}-"
    assert "ttl" not in shop.one("Table", name=f"{names}failed-orders").inputs
    assert shop.one("Table", name=f"{names}orders").inputs["ttl"]["enabled"] is True


def test_their_alarms_are_there_only_with_them(shop: Recording) -> None:
    without = set(run(shop.stack, DISABLED).outputs["alarmNames"])
    roles = {case.alarm for case in order_cases(shop.stack)}
    expected = roles if shop.outputs["pagingAlarmName"] else roles & essential_alarms(())
    assert set(shop.outputs["alarmNames"]) - without == {f"img-pipeline-{shop.stack}-{role}" for role in expected}


def test_dashboard_shows_orders(prod: Recording) -> None:
    (dashboard,) = prod.of_type("Dashboard")
    assert "Orders waiting" in dashboard.inputs["dashboardBody"]


def test_saved_queries_know_orders(shop: Recording) -> None:
    queries = {query.inputs["name"].rpartition("/")[2] for query in shop.of_type("QueryDefinition")}
    assert queries >= {"one-order", "order-attempts-by-outcome", "failed-orders-not-recorded"}


def test_each_role_may_do_its_part_alone(shop: Recording) -> None:
    names = f"img-pipeline-{shop.stack}-"
    assert set(grants(shop, "order-workflow")) == {
        ("dynamodb:GetItem", f"table/{names}assets"),
        *((f"dynamodb:{verb}Item", f"table/{names}orders") for verb in ("Put", "Update", "Delete")),
        ("sqs:SendMessage", f"{names}order-queue"),
    }
    assert set(grants(shop, "failed_order")) == {
        *((f"sqs:{verb}", f"{names}order-dlq") for verb in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")),
        *((f"dynamodb:{verb}Item", f"table/{names}orders") for verb in ("Get", "Update", "Delete")),
        ("dynamodb:PutItem", f"table/{names}failed-orders"),
        ("sns:Publish", f"{names}alerts"),
    }
    processed, ingest = (f"{names}{bucket}-{ACCOUNT_ID}" for bucket in ("processed", "ingest"))
    of_buckets = {grant for grant in grants(shop, "fulfil") if grant[0].startswith("s3:")}
    assert of_buckets == {
        ("s3:GetObjectVersion", f"{ingest}/uploads/*"),
        ("s3:ListBucket", processed),
        *(
            (f"s3:{verb}", f"{processed}/processed/uploads/*")
            for verb in ("GetObject", "PutObject", "DeleteObjectVersion")
        ),
    }
    assert ("states:StartSyncExecution", f"{names}order-state-machine") in set(grants(shop, "api"))


def test_resources_satisfy_every_rule(shop: Recording) -> None:
    assert violations(shop.cloud_resources) == []


def test_attempts_do_not_fail_on_purpose_where_state_is_protected() -> None:
    with pytest.raises(SettingsError, match=r"orders\.successRate"):
        run("prod", {"orders": {"successRate": 0.7}})


@pytest.mark.parametrize(
    "wrong", [{"successRate": 1.1}, {"maxReceiveCount": 0}, {"concurrency": 1}, {"dailyOrdersPerCaller": 0}]
)
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match=f"orders.{next(iter(wrong))}"):
        run("dev", {"orders": wrong})


def test_orders_need_the_presets_of_the_thumbnail() -> None:
    with pytest.raises(SettingsError, match=r"orders\.enabled"):
        run("dev", {"transforms": {"thumbnail": None}})


def test_who_looks_at_failed_orders_can_change_none(shop: Recording) -> None:
    failed = f"table/img-pipeline-{shop.stack}-failed-orders"
    on_orders = {grant for grant in grants(shop, "operator") if "orders" in grant[1]}
    assert on_orders == {("dynamodb:Query", f"{failed}/index/status-index"), ("dynamodb:BatchGetItem", failed)}


def test_the_redrive_queues_orders_and_changes_their_status(shop: Recording) -> None:
    prefix = f"img-pipeline-{shop.stack}-"
    table, failed = f"table/{prefix}orders", f"table/{prefix}failed-orders"
    on_orders = {grant for grant in grants(shop, "replay") if "order" in grant[1] and "-dlq" not in grant[1]}
    assert on_orders == {
        ("dynamodb:Query", f"{failed}/index/status-index"),
        ("dynamodb:BatchGetItem", failed),
        ("dynamodb:UpdateItem", failed),
        ("dynamodb:UpdateItem", table),
        ("sqs:SendMessage", f"{prefix}order-queue"),
    }
    for route, function in (("GET /operations/failed-orders", "operator"), (REDRIVE_ROUTE, "replay")):
        target = shop.one("Route", routeKey=route).property_dependencies["target"]
        alias = shop.one("aws:lambda/alias:Alias", functionName=prefix + function)
        assert shop.one("aws:apigatewayv2/integration:Integration", integrationUri=alias.arn).urn in target
