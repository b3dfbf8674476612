"""The pay client is built late, once, and anew when its settings change; calls end in few ways."""

import subprocess
import sys
from pathlib import Path

import pytest

from orchard.core.errors import AppError, CounterpartyRefused, CounterpartyUnknown, Unavailable
from orchard.gateways import wechat_pay
from orchard.payments import wechat
from orchard.payments.wechat import Ending
from orchard.runtime.database import Connection
from tests.support.wechat import Platform

FUNCTIONS = (
    "payments/pay_order", "payments/confirm_payment", "payments/pay_notify", "payments/refund_notify",
    "payments/sync_payments", "payments/finish_open_intents", "payments/send_refunds", "orders/cancel_order",
    "orders/close_unpaid_orders",
)  # fmt: skip
ROOT = Path(__file__).parents[3]


def test_the_client_is_built_once(wechat_platform: Platform) -> None:
    assert wechat.client() is wechat.client()
    assert wechat.merchant() == (wechat_platform.config.mchid, wechat_platform.config.appid)


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (wechat_pay.AlreadyPaid("ORDER_PAID"), Ending.PAID),
        (wechat_pay.AlreadyClosed("ORDER_CLOSED"), Ending.CLOSED),
        (wechat_pay.OrderMissing("ORDER_NOT_EXIST"), Ending.MISSING),
        (wechat_pay.NotEnoughBalance("NOT_ENOUGH"), Ending.NOT_ENOUGH),
        (wechat_pay.FrequencyLimited("FREQUENCY_LIMITED"), Ending.NOT_DONE),
        (wechat_pay.OutcomeUnknown("prepay: time-out"), Ending.UNKNOWN),
        (CounterpartyRefused("PARAM_ERROR"), Ending.REFUSED),
        (CounterpartyUnknown(), Ending.UNKNOWN),
        (Unavailable(), Ending.NOT_DONE),
    ],
)
def test_every_error_has_one_ending(wechat_platform: Platform, error: AppError, ending: Ending) -> None:
    def fail(_: object) -> None:
        raise error

    reply = wechat.attempt(Connection(), fail)
    assert (reply.ending, reply.error) == (ending, error)
    assert reply.note


def test_an_error_of_ours_is_not_taken_for_an_answer(wechat_platform: Platform) -> None:
    def fail(_: object) -> None:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        wechat.attempt(Connection(), fail)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_importing_a_function_loads_neither_the_pay_client_nor_its_libraries(function: str) -> None:
    heavy = ("urllib3", "boto3", "requests", "wechatpy", "orchard.gateways.wechat_pay.client")
    program = (
        "import runpy, sys; runpy.run_path(sys.argv[1], run_name='function');"
        f"print(sorted(name for name in {heavy!r} if name in sys.modules))"
    )
    command = [sys.executable, "-c", program, str(ROOT / "functions" / function / "app.py")]
    path = {"PYTHONPATH": "layers/common"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=path, cwd=ROOT)
    assert done.stdout.strip() == "[]"
