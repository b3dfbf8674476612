"""A database that refuses: connections used up, read-only, a row locked too long. A typed 503, and then on again."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.campaigns.sometimes import sometimes
from tests.support.caller import Life
from tests.support.faulty import FaultyCloud
from tests.support.scenario import RunningShop


def _refused(life: Life, body: dict[str, Any], key: str) -> None:
    """The order is answered with a typed 503, and there is none of it."""
    status, problem = life.shopper.phone.attempt("POST", "/orders", body, key=key)
    assert (status, problem["code"]) == (503, "unavailable")
    assert life.shop.shelf.available(life.goods) == 5


def _goes_on(life: Life, body: dict[str, Any], key: str) -> None:
    """The same request with the same key, to the same processes."""
    life.number = life.call("POST", "/orders", body, key)["order_number"]
    life.assert_stock("RESERVE")


def test_connections_used_up_are_a_quick_503_and_no_process_needs_a_restart(
    faulty: FaultyCloud, shop: RunningShop
) -> None:
    life = Life(shop, lambda: None)
    body, key = life.agreed(), "no-connection-left"
    faulty.limit_connections(1)
    try:
        faulty.disconnect_functions()
        with faulty.as_function():
            _refused(life, body, key)
    finally:
        faulty.limit_connections(0)
    _goes_on(life, body, key)
    sometimes("database: no connection left")


def test_a_server_without_room_for_another_connection_is_a_503_too(faulty: FaultyCloud, shop: RunningShop) -> None:
    life = Life(shop, lambda: None)
    body, key = life.agreed(), "server-is-full"
    # The least that the server allows; whoever administers it has one of its own.
    faulty.administer("SET GLOBAL max_connections = 10")
    occupied = []
    try:
        faulty.disconnect_functions()
        while (one := faulty.try_as_function()) is not None:
            occupied.append(one)
        _refused(life, body, key)
    finally:
        for one in occupied:
            one.close()
        faulty.administer("SET GLOBAL max_connections = 400")
    assert occupied
    _goes_on(life, body, key)
    sometimes("database: too many connections")


def test_a_read_only_server_is_a_503_until_it_may_write_again(faulty: FaultyCloud, shop: RunningShop) -> None:
    life = Life(shop, lambda: None)
    body, key = life.agreed(), "read-only-server"
    faulty.administer("SET GLOBAL read_only = 1")
    try:
        _refused(life, body, key)
        assert life.shopper.phone.attempt("GET", "/products")[0] == 200, "reading goes on"
    finally:
        faulty.administer("SET GLOBAL read_only = 0")
    _goes_on(life, body, key)
    sometimes("database: read-only")


def test_a_row_that_is_let_go_in_time_is_waited_for(faulty: FaultyCloud, shop: RunningShop) -> None:
    life = Life(shop, lambda: None)
    body = life.agreed()
    with _holding(faulty, life) as holder:
        # Longer than one wait for a lock, shorter than the function's own time.
        letting_go = threading.Timer(5, holder.rollback)
        letting_go.start()
        assert life.shopper.phone.attempt("POST", "/orders", body)[0] == 201
        letting_go.join()


def test_a_row_that_is_held_on_to_is_given_up_in_time(faulty: FaultyCloud, shop: RunningShop) -> None:
    life = Life(shop, lambda: None)
    body, key = life.agreed(), "held-up-order"
    with _holding(faulty, life):
        _refused(life, body, key)
    _goes_on(life, body, key)
    sometimes("database: lock held too long")


@contextmanager
def _holding(faulty: FaultyCloud, life: Life) -> Iterator[Any]:
    """Somebody who has locked the article's stock."""
    holder = faulty.as_function()
    with holder, holder.cursor() as cursor:
        cursor.execute("SELECT * FROM stock WHERE sku_id = %s FOR UPDATE", (life.goods.sku_id,))
        yield holder
