"""The WeChat Pay client against the sandbox, well behaved and not."""

import pytest

from infra.local.wechat_sandbox.server import SandboxServer
from orchard.core import clock, ids
from orchard.core.errors import CounterpartyRefused
from orchard.gateways.wechat_pay import (
    AlreadyClosed,
    AlreadyPaid,
    FrequencyLimited,
    MerchantSetupRefused,
    NotEnoughBalance,
    OrderMissing,
    OutcomeUnknown,
    Refund,
    WeChatPayClient,
)
from tests.functions.gateways.sandbox_merchant import MODES, OPENID, merchant_keys, order, pay, refund


@pytest.mark.parametrize("mode", MODES)
def test_a_purchase_and_its_refund(sandbox: SandboxServer, client: WeChatPayClient, number: str, mode: str) -> None:
    sandbox.client.settings(serial_mode=mode, refuse_replayed_nonce=True)
    assert client.query(number) is None
    stored = order(client, number)
    first, again = client.prepay(stored), client.prepay(stored)
    assert first != again
    unpaid = client.query(number)
    assert unpaid is not None
    assert (unpaid.trade_state, unpaid.was_paid) == ("NOTPAY", False)

    answer = sandbox.client.confirm_payment(client.request_payment_parameters(again), OPENID, 100)
    assert answer == {"errMsg": "requestPayment:ok"}
    paid = client.query(number)
    assert paid is not None
    assert (paid.was_paid, paid.amount.total, paid.amount.payer_total) == (True, 1999, 1899)
    assert (paid.payer.openid, paid.attach) == (OPENID, "shop")

    asked = refund(number, "R" + number)
    assert client.query_refund("R" + number) is None
    assert client.refund(asked).status == "PROCESSING"
    sandbox.client.settle_refund("R" + number)
    settled = client.query_refund("R" + number)
    assert settled is not None
    assert (settled.status, settled.amount.refund, client.refund(asked).status) == ("SUCCESS", 999, "SUCCESS")
    after = client.query(number)
    assert after is not None
    assert (after.trade_state, after.was_paid) == ("REFUND", True)


def test_a_changed_body_under_the_same_number_is_refused(client: WeChatPayClient, number: str) -> None:
    client.prepay(order(client, number))
    with pytest.raises(CounterpartyRefused) as caught:
        client.prepay(order(client, number, fen=2000))
    assert caught.value.reason == "INVALID_REQUEST"


@pytest.mark.parametrize("spelling", ["new", "old"])
def test_close_and_its_races_in_both_spellings(
    sandbox: SandboxServer, client: WeChatPayClient, number: str, spelling: str
) -> None:
    if spelling == "old":
        sandbox.client.misbehave("old_spelling", times=None)
    assert client.query(number) is None
    assert client.query_refund("R" + number) is None
    with pytest.raises(OrderMissing):
        client.refund(refund(number, "R" + number))
    stored = order(client, number)
    client.prepay(stored)
    client.close(number)
    client.close(number)
    closed = client.query(number)
    assert closed is not None
    assert closed.is_closed
    with pytest.raises(AlreadyClosed):
        client.prepay(stored)

    other = ids.new_order_number()
    client.prepay(order(client, other))
    sandbox.client.misbehave("pay_first", call="close")
    with pytest.raises(AlreadyPaid):
        client.close(other)
    won = client.query(other)
    assert won is not None
    assert won.was_paid
    with pytest.raises(AlreadyPaid):
        client.prepay(order(client, other))
    sandbox.client.misbehave("not_enough", call="refund")
    with pytest.raises(NotEnoughBalance):
        client.refund(refund(other, "R" + other))
    assert client.refund(refund(other, "R" + other)).status == "PROCESSING"


BROKEN_ANSWERS = [
    "signature_missing",
    "signature_corrupt",
    "signature_aged",
    "signature_forged",
    "body_tampered",
    "error_after",
    "reset_after",
]


@pytest.mark.parametrize("fault", BROKEN_ANSWERS)
def test_done_but_not_believed_is_unknown_and_the_query_tells(
    sandbox: SandboxServer, client: WeChatPayClient, number: str, fault: str
) -> None:
    stored = order(client, number)
    sandbox.client.misbehave(fault, call="prepay")
    with pytest.raises(OutcomeUnknown):
        client.prepay(stored)
    assert client.query(number) is not None
    assert sandbox.client.confirm_payment(client.prepay(stored), OPENID)["errMsg"] == "requestPayment:ok"

    asked = refund(number, "R" + number)
    sandbox.client.misbehave(fault, call="refund")
    with pytest.raises(OutcomeUnknown):
        client.refund(asked)
    found = client.query_refund("R" + number)
    assert isinstance(found, Refund)
    assert client.refund(asked).refund_id == found.refund_id

    sandbox.client.misbehave(fault, call="refund_query")
    with pytest.raises(OutcomeUnknown):
        client.query_refund("R" + number)


@pytest.mark.parametrize("fault", [f for f in BROKEN_ANSWERS if f != "body_tampered"])
def test_an_unbelievable_204_is_unknown(
    sandbox: SandboxServer, client: WeChatPayClient, number: str, fault: str
) -> None:
    client.prepay(order(client, number))
    sandbox.client.misbehave(fault, call="close")
    with pytest.raises(OutcomeUnknown):
        client.close(number)
    closed = client.query(number)
    assert closed is not None
    assert closed.is_closed


def test_a_stall_after_the_commit_is_unknown(sandbox: SandboxServer, client: WeChatPayClient, number: str) -> None:
    pay(sandbox, client, number)
    sandbox.client.misbehave("stall", call="refund", value=1.5)
    with pytest.raises(OutcomeUnknown, match="ReadTimeoutError"):
        client.refund(refund(number, "R" + number))
    assert client.query_refund("R" + number) is not None


@pytest.mark.parametrize("fault", ["error_before", "reset_before", "user_paying"])
def test_not_done_looks_the_same_until_queried(
    sandbox: SandboxServer, client: WeChatPayClient, number: str, fault: str
) -> None:
    sandbox.client.misbehave(fault, call="prepay")
    with pytest.raises(OutcomeUnknown):
        client.prepay(order(client, number))
    assert client.query(number) is None


def test_a_forged_missing_order_is_not_believed(sandbox: SandboxServer, client: WeChatPayClient, number: str) -> None:
    for fault in ("signature_forged", "signature_aged"):
        sandbox.client.misbehave(fault, call="query")
        with pytest.raises(OutcomeUnknown):
            client.query(number)


def test_frequency_limit_passes_once_and_is_told_twice(
    sandbox: SandboxServer, client: WeChatPayClient, number: str
) -> None:
    sandbox.client.settings(refuse_replayed_nonce=True)
    sandbox.client.misbehave("rate_limited", call="prepay")
    assert client.prepay(order(client, number))
    sandbox.client.misbehave("rate_limited", call="query", times=2)
    with pytest.raises(FrequencyLimited):
        client.query(number)


def test_wrong_keys_are_a_matter_of_setup(sandbox: SandboxServer, number: str) -> None:
    for wrong in (
        {"merchant_serial": "F" * 40},
        {"merchant_private_key": sandbox.config.platform_private_key},
        {"app_id": "wx0000000000000000"},
    ):
        client = WeChatPayClient(merchant_keys(sandbox, **wrong), sandbox.url)
        with pytest.raises(MerchantSetupRefused):
            client.prepay(order(client, number))
    with clock.shifted(-600):
        late = WeChatPayClient(merchant_keys(sandbox), sandbox.url)
        # Neither side believes the other's time: the refusal's own signature is from the future.
        with pytest.raises(OutcomeUnknown, match="not fresh"):
            late.query(number)


def test_new_platform_keys_are_fetched_when_the_serial_changes(sandbox: SandboxServer, number: str) -> None:
    current = merchant_keys(sandbox).platform_public_keys
    old = {sandbox.config.certificate_serial: current[sandbox.config.certificate_serial]}
    client = WeChatPayClient(merchant_keys(sandbox, platform_public_keys=old), sandbox.url, reload_keys=lambda: current)
    assert client.query(number) is None
    blind = WeChatPayClient(merchant_keys(sandbox, platform_public_keys=old), sandbox.url)
    with pytest.raises(OutcomeUnknown, match="unknown serial"):
        blind.query(number)
