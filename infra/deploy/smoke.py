"""Whether a deployed shop answers: products for anybody, and nothing for an unsigned notification."""

import time

import urllib3

_ATTEMPTS = 8
# A paused database needs about fifteen.
_PAUSE_SECONDS = 5
_OK = 200
# What the callback answers to whoever does not prove to be the platform.
_NOT_PROVEN = 401


def problems(mini_program_url: str, callback_url: str, *, pause_seconds: float = _PAUSE_SECONDS) -> list[str]:
    """What is not as it should be, one line each."""
    pool = urllib3.PoolManager(timeout=30, retries=False)
    products, status = f"{mini_program_url}/products", 0
    for attempt in range(_ATTEMPTS):
        time.sleep(pause_seconds if attempt else 0)
        status = _status(pool, "GET", products)
        if status == _OK:
            break
    found = [] if status == _OK else [f"GET {products} answers {status or 'nothing'}, expected 200"]
    notice = f"{callback_url}/wechat-pay/payments"
    status = _status(pool, "POST", notice)
    if status == _NOT_PROVEN:
        return found
    return [*found, f"POST {notice}, unsigned, answers {status or 'nothing'}, expected {_NOT_PROVEN}"]


def _status(pool: urllib3.PoolManager, method: str, url: str) -> int:
    try:
        return pool.request(method, url, body=b"{}" if method == "POST" else None).status
    except urllib3.exceptions.HTTPError:
        return 0
