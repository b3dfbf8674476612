import re
from concurrent.futures import ThreadPoolExecutor

from orchard.core import clock, ids


def test_row_ids_increase_and_fit_a_signed_bigint() -> None:
    made = [ids.new_id() for _ in range(5000)]
    assert made == sorted(set(made))
    assert 0 < made[-1] < 2**63


def test_row_ids_stay_unique_across_threads_and_when_the_clock_steps_back() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: ids.new_id(), range(4000)))
    with clock.shifted(-60):
        made += [ids.new_id() for _ in range(10)]
    assert len(set(made)) == len(made)


def test_order_numbers_fit_out_trade_no_and_do_not_repeat() -> None:
    numbers = {ids.new_order_number() for _ in range(2000)}
    assert len(numbers) == 2000
    assert all(re.fullmatch(r"\d{8}[0-9A-HJKMNP-TV-Z]{16}", number) for number in numbers)


def test_order_number_carries_the_shanghai_day() -> None:
    now = clock.utc_now()
    midnight = now.astimezone(clock.SHANGHAI).replace(hour=23, minute=59, second=59, microsecond=0)
    with clock.shifted((midnight - now).total_seconds() + 2):
        assert ids.new_order_number().startswith(f"{clock.business_date(clock.utc_now()):%Y%m%d}")
        assert clock.business_date(clock.utc_now()) > midnight.date()


def test_order_numbers_tell_neither_their_order_nor_their_count() -> None:
    drawn = [ids.new_order_number()[8:] for _ in range(400)]
    assert drawn != sorted(drawn)
    # Every character of every place is drawn: at each place most of the alphabet turns up.
    assert min(len(set(place)) for place in zip(*drawn, strict=True)) > 24
