"""What a rate takes, by hand; and the page says what was computed and measured."""

from __future__ import annotations

import json

import pytest

from bench.report import RESULTS
from bench.scale import quotas
from bench.scale.arithmetic import Demand
from bench.scale.page import PAGE, RESULT, markdown
from bench.scale.quotas import QUOTAS
from bench.scale.scenarios import Scenario, with_headroom
from operations.cost.measurements import load_measurements
from operations.cost.settings import stack_settings


def demand(rate: float, *changes: str) -> Demand:
    return Demand(
        settings=stack_settings("prod", changes),
        measured=load_measurements(),
        files_per_second=rate,
        megabytes=5,
    )


def amounts(found: Demand) -> dict[tuple[str, str], float]:
    return {(need.quota.name, need.what): need.amount for need in found.needs}


def test_concurrency_is_the_rate_times_the_duration() -> None:
    found = demand(100)
    assert found.function_seconds["api"] == pytest.approx(4 * 0.03)
    for name, seconds in found.function_seconds.items():
        assert found.concurrency[name] == pytest.approx(100 * seconds)
    assert found.executions == pytest.approx(100 * found.work.workflow_seconds)


def test_requests_are_counted_by_hand() -> None:
    found = amounts(demand(100))
    assert found["API Gateway calls", ""] == 400
    assert found["S3 writes", "uploads"] == 100
    # Eight renditions and the watermarked picture.
    assert found["S3 writes", "renditions"] == 900
    assert found["EventBridge invocations", ""] == found["SNS messages", ""] == 100
    # A row is written when the upload is asked for, and three times by the workflow.
    assert found["DynamoDB writes of a table", "jobs"] == 400
    assert found["DynamoDB writes of one key", "jobs by status"] == 200
    assert found["DynamoDB writes of one key", "assets by shard"] == 100 / 16


def test_everything_grows_with_the_rate() -> None:
    one, thousand = amounts(demand(1)), amounts(demand(1000))
    assert one.keys() == thousand.keys()
    for key, amount in one.items():
        assert thousand[key] == pytest.approx(1000 * amount)


def test_a_hundred_a_second_fit_into_the_quotas_and_ten_thousand_do_not() -> None:
    assert all(need.fits for need in demand(100).needs)
    exceeded = {need.quota for need in demand(10_000).needs if not need.fits}
    assert exceeded >= {quotas.PIPE_BATCHES, quotas.PIPE_EXECUTIONS, quotas.LAMBDA_CONCURRENCY, quotas.PARTITION_WRITES}
    assert not exceeded & {quotas.S3_WRITES, quotas.S3_READS, quotas.TOPIC_MESSAGES, quotas.EVENT_INVOCATIONS}


def test_a_pipe_for_each_thousand_workflows_at_a_time() -> None:
    assert demand(1).pipes == 1
    found = demand(10_000)
    assert (found.pipes - 1) * 1000 < found.executions <= found.pipes * 1000


def test_a_million_files_cost_the_same_at_every_rate() -> None:
    assert demand(1).usd_per_million == pytest.approx(demand(100).usd_per_million)
    assert demand(100).usd_per_month == pytest.approx(100 * demand(1).usd_per_month)


def test_with_headroom_a_steady_rate_is_kept_up_with_and_without_it_is_not() -> None:
    few = Scenario(demand=demand(20, "transforms.thumbnail.reservedConcurrency=2"), minutes=4, has_room=False).run()
    enough = Scenario(demand=demand(20), minutes=4, has_room=True).run()
    assert few.depth[-1][1] > 1000
    assert enough.depth[-1][1] == 0
    assert with_headroom(demand(20)).keys() == {"validate", "thumbnail", "watermark", "metadata"}


def test_every_quota_has_a_name_of_its_own_and_a_source() -> None:
    assert len({quota.name for quota in QUOTAS}) == len(QUOTAS)
    assert all(len(quota.source) > 10 and quota.limit > 0 for quota in QUOTAS)
    assert {need.quota for need in demand(1).needs} == set(QUOTAS)


def test_the_page_is_that_of_the_committed_results() -> None:
    measured = json.loads((RESULTS / f"{RESULT}.json").read_text(encoding="utf-8"))
    assert PAGE.read_text(encoding="utf-8") == markdown(measured)
