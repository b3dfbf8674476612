"""The cost calculator: what grows with orders, what does not, and what it refuses to guess."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import cost, prices
from benchmarks.usage import CALLS, Durations, jobs
from infra.functions import declared

SHOP = cost.Shop(memory_mb=512, cold_share=0.01, acu=1.0, idle_acu=1.0, busy_hours=24, nat_gateways=1, proxy=False)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    figures = [
        {"name": "orders/place_order: warm p50", "value": 40.0},
        {"name": "catalog/list_products: warm p50", "value": 10.0},
        {"name": "orders/place_order: cold start", "value": 300.0},
        {"name": "catalog/list_products: cold start", "value": 250.0},
        {"name": "a handler that does nothing: warm p50", "value": 0.1},
        {"name": "orders/place_order: memory", "value": 61.0},
    ]
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"parts": {"cold_start": {"figures": figures}}}), encoding="utf-8")
    return path


def test_functions_that_were_not_measured_count_as_the_median_one(results: Path) -> None:
    durations = Durations(results, slower=2.0)
    assert durations.of("orders/place_order") == (80.0, 600.0, True)
    assert durations.of("members/log_in") == (50.0, 550.0, False)
    assert durations.memory_mb == 61.0


def test_every_call_and_job_is_a_function_of_the_bundle() -> None:
    names = {function.key for function in declared()}
    assert CALLS.keys() <= names
    assert jobs().keys() <= names
    assert jobs()["orders/close_unpaid_orders"] == 43_200


def test_orders_pay_for_calls_and_a_quiet_month_for_what_stands(results: Path) -> None:
    durations, listed = Durations(results, 1.0), prices.VIRGINIA
    variable, fixed = cost.variable(listed, durations, SHOP), cost.fixed(listed, durations, SHOP)
    assert variable["HTTP API"] == pytest.approx(sum(CALLS.values()))
    assert fixed["NAT gateways"] == pytest.approx(720 * 0.045)
    assert fixed["database: capacity"] == pytest.approx(720 * 0.12)
    slower = cost.variable(listed, Durations(results, 3.0), SHOP)
    assert slower["functions: duration"] == pytest.approx(3 * variable["functions: duration"])
    assert slower["logs"] == variable["logs"]
    asleep = cost.fixed(listed, durations, SHOP._replace(busy_hours=8, idle_acu=0))
    assert asleep["database: capacity"] == pytest.approx(240 * 0.12)


def test_the_page_names_its_sources(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cost.main(["--results", str(results), "--orders-per-day", "2000"]) == 0
    page = capsys.readouterr().out
    assert "to be checked" in page
    assert "results.json" in page
    assert "a month with 2,000 orders a day" in page


def test_prices_that_nobody_gave_are_not_invented(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    china = ["--results", str(results), "--region", "cn-north-1"]
    assert cost.main(china) == 2
    assert "--prices" in capsys.readouterr().err
    file = tmp_path / "prices.json"
    file.write_text(prices.as_json(replace(prices.VIRGINIA, region="cn-north-1", currency="CNY")), encoding="utf-8")
    assert cost.main([*china, "--prices", str(file)]) == 0
    assert "cn-north-1, CNY" in capsys.readouterr().out
    file.write_text('{"region": "cn-north-1"}', encoding="utf-8")
    assert cost.main([*china, "--prices", str(file)]) == 2


def test_results_without_durations_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "results.json"
    path.write_text('{"parts": {}}', encoding="utf-8")
    assert cost.main(["--results", str(path)]) == 2
    assert "cold_start" in capsys.readouterr().err
