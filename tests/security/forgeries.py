"""Forged and tampered notifications of WeChat Pay, each kind with the refusal that it must meet.

Refusals: 401 before anything is read or stored; 400 where the platform's own signature holds but what it says does not
fit our books, which calls an operator; 200 for what was booked before, which changes nothing.
"""

import base64
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from infra.local.wechat_sandbox import crypto
from infra.local.wechat_sandbox.signing import PROBE, Signer
from tests.support.notices import Notice, Platform

_FRESH_SECONDS = 300
Content = dict[str, Any]


@dataclass
class Forger:
    """Makes forgeries of what `content` would say if it were true. `kind` is transaction or refund."""

    platform: Platform
    draw: random.Random

    @cached_property
    def _stranger(self) -> Signer:
        return Signer(self.platform.config.platform_public_key_id, crypto.new_private_key())

    @property
    def unsigned(self) -> dict[str, Callable[[str, Content], Notice]]:
        """Kinds that the signature, its freshness or the encryption gives away: 401."""
        return {
            "another key": lambda kind, content: self._signed_by(kind, content, self._stranger),
            "certificate's key, public key's serial": self._swapped_serial,
            "unknown serial": lambda kind, content: self._header(kind, content, Serial=crypto.random_text(40)),
            "a header missing": self._without_header,
            "a header empty": lambda kind, content: self._header(kind, content, **{self._name(): ""}),
            "signature cut": self._cut_signature,
            "signature altered": self._altered_signature,
            "signature in other base64": self._other_base64,
            "signature of zeros": lambda kind, content: self._header(
                kind, content, Signature=base64.b64encode(bytes(256)).decode()
            ),
            "probe": lambda kind, content: self._header(kind, content, Signature=PROBE + crypto.random_text(300)),
            "another signature type": self._other_type,
            "body altered": self._altered_body,
            "body longer": lambda kind, content: self._body(kind, content, lambda body: body + b" "),
            "body empty": lambda kind, content: self._body(kind, content, lambda _: b""),
            "body of another": self._body_of_another,
            "time altered": self._altered_time,
            "time garbled": lambda kind, content: self._header(kind, content, Timestamp=self.draw.choice(_TIMES)),
            "nonce altered": lambda kind, content: self._header(kind, content, Nonce=crypto.random_text(32)),
            "stale": lambda kind, content: self._aged(kind, content, 1),
            "of the future": lambda kind, content: self._aged(kind, content, -1),
            "header with a comma": self._doubled_header,
            "another merchant's key": self._other_key,
            "tag altered": self._altered_tag,
            "ciphertext cut": self._cut_ciphertext,
            "short nonce": lambda kind, content: self.platform.notice(
                kind, content, nonce_length=self.draw.choice([8, 11, 13, 16])
            ),
            "associated data altered": self._other_associated_data,
            "signed nonsense": self._nonsense,
        }

    @property
    def untrue(self) -> dict[str, Callable[[str, Content], Notice]]:
        """Kinds that the platform has signed, and that do not fit our books: 400, and an operator is called."""
        return {
            "a fen less": lambda kind, content: self._amount(kind, content, -1),
            "a fen more": lambda kind, content: self._amount(kind, content, 1),
            "another currency": lambda kind, content: self._changed(
                kind, content, amount={**content["amount"], "currency": self.draw.choice(["USD", "HKD", "cny"])}
            ),
            "another merchant": lambda kind, content: self._changed(kind, content, mchid="1" + self._digits(9)),
            "unknown order": lambda kind, content: self._changed(
                kind, content, out_trade_no=self._digits(20), out_refund_no=self._digits(20)
            ),
        }

    def _digits(self, length: int) -> str:
        return "".join(self.draw.choices("0123456789", k=length))

    def _name(self) -> str:
        return self.draw.choice(["Timestamp", "Nonce", "Serial", "Signature"])

    def _signed_by(self, kind: str, content: Content, signer: Signer) -> Notice:
        notice = self.platform.notice(kind, content)
        return replace(notice, headers=signer.headers(notice.body, time.time()))

    def _swapped_serial(self, kind: str, content: Content) -> Notice:
        config = self.platform.config
        return self._signed_by(kind, content, Signer(config.platform_public_key_id, config.certificate_key))

    def _header(self, kind: str, content: Content, **values: str) -> Notice:
        notice = self.platform.notice(kind, content)
        changed = {f"Wechatpay-{name}": value for name, value in values.items()}
        return replace(notice, headers={**notice.headers, **changed})

    def _without_header(self, kind: str, content: Content) -> Notice:
        notice, gone = self.platform.notice(kind, content), f"Wechatpay-{self._name()}"
        return replace(notice, headers={name: value for name, value in notice.headers.items() if name != gone})

    def _signature(self, kind: str, content: Content, change: Callable[[str], str]) -> Notice:
        notice = self.platform.notice(kind, content)
        signature = change(notice.headers["Wechatpay-Signature"])
        return replace(notice, headers={**notice.headers, "Wechatpay-Signature": signature})

    def _cut_signature(self, kind: str, content: Content) -> Notice:
        return self._signature(kind, content, lambda text: text[: self.draw.randrange(len(text) - 4)])

    def _altered_signature(self, kind: str, content: Content) -> Notice:
        def change(text: str) -> str:
            raw = bytearray(base64.b64decode(text))
            raw[self.draw.randrange(len(raw))] ^= 1 << self.draw.randrange(8)
            return base64.b64encode(raw).decode()

        return self._signature(kind, content, change)

    def _other_base64(self, kind: str, content: Content) -> Notice:
        """The true signature in a spelling that lenient decoders take for the same."""
        forms: list[Callable[[str], str]] = [
            lambda text: text.rstrip("="), lambda text: text + "=", lambda text: text[:40] + "\n" + text[40:],
            lambda text: f" {text}", lambda text: text[:8] + "-_" + text[8:], lambda text: text + "AAAA",
            lambda text: text.replace("==", "")[:-1] + "/==",
        ]  # fmt: skip
        return self._signature(kind, content, self.draw.choice(forms))

    def _other_type(self, kind: str, content: Content) -> Notice:
        wanted = self.draw.choice(["WECHATPAY2-SM2-WITH-SM3", "none", "HMAC-SHA256", ""])
        notice = self._header(kind, content)
        return replace(notice, headers={**notice.headers, "Wechatpay-Signature-Type": wanted})

    def _body(self, kind: str, content: Content, change: Callable[[bytes], bytes]) -> Notice:
        notice = self.platform.notice(kind, content)
        return replace(notice, body=change(notice.body))

    def _altered_body(self, kind: str, content: Content) -> Notice:
        def change(body: bytes) -> bytes:
            raw = bytearray(body)
            raw[self.draw.randrange(len(raw))] ^= 1 << self.draw.randrange(7)
            return bytes(raw)

        return self._body(kind, content, change)

    def _body_of_another(self, kind: str, content: Content) -> Notice:
        return self._body(kind, content, lambda _: self.platform.notice(kind, content).body)

    def _altered_time(self, kind: str, content: Content) -> Notice:
        shift = self.draw.choice([-290, -10, 10, 290])
        return self._header(kind, content, Timestamp=str(int(time.time()) + shift))

    def _aged(self, kind: str, content: Content, direction: int) -> Notice:
        age = direction * (_FRESH_SECONDS + self.draw.choice([10, 60, 3600, 86_400, 10**7]))
        return self.platform.notice(kind, content, age=age)

    def _doubled_header(self, kind: str, content: Content) -> Notice:
        """What an HTTP API makes of a header that comes twice."""
        notice, name = self.platform.notice(kind, content), f"Wechatpay-{self._name()}"
        value = notice.headers[name]
        return replace(notice, headers={**notice.headers, name: f"{value},{value}"})

    def _resource(self, kind: str, content: Content, key: str, bound: str) -> dict[str, str]:
        nonce = crypto.random_text(12)
        return {"ciphertext": crypto.seal(key, json.dumps(content).encode(), nonce, bound), "nonce": nonce}

    def _sealed(self, kind: str, content: Content, resource: dict[str, str]) -> Notice:
        event = "TRANSACTION.SUCCESS" if kind == "transaction" else f"REFUND.{content['refund_status']}"
        return self.platform.signed(kind, event, resource)

    def _other_key(self, kind: str, content: Content) -> Notice:
        return self._sealed(kind, content, self._resource(kind, content, crypto.random_text(32), kind))

    def _other_associated_data(self, kind: str, content: Content) -> Notice:
        return self._sealed(kind, content, self._resource(kind, content, self.platform.config.api_v3_key, "other"))

    def _ciphertext(self, kind: str, content: Content, change: Callable[[bytearray], bytes]) -> Notice:
        resource = self._resource(kind, content, self.platform.config.api_v3_key, kind)
        raw = bytearray(base64.b64decode(resource["ciphertext"]))
        return self._sealed(kind, content, {**resource, "ciphertext": base64.b64encode(change(raw)).decode()})

    def _altered_tag(self, kind: str, content: Content) -> Notice:
        def change(raw: bytearray) -> bytes:
            raw[-self.draw.randrange(1, 17)] ^= 1 << self.draw.randrange(8)
            return bytes(raw)

        return self._ciphertext(kind, content, change)

    def _cut_ciphertext(self, kind: str, content: Content) -> Notice:
        return self._ciphertext(kind, content, lambda raw: bytes(raw[: self.draw.randrange(len(raw))]))

    def _nonsense(self, kind: str, content: Content) -> Notice:
        body = self.draw.choice(
            [b"{}", b"[]", b"null", b"1", b"\xff", b"[" * 20_000, b'{"id":NaN}', b'{"resource":{}}']
        )
        return Notice(kind, self.platform.signer.headers(body, time.time()), body)

    def _changed(self, kind: str, content: Content, **changes: Any) -> Notice:
        known = {name: value for name, value in changes.items() if name in content}
        return self.platform.notice(kind, {**content, **known})

    def _amount(self, kind: str, content: Content, fen: int) -> Notice:
        name = "total" if kind == "transaction" else "refund"
        amount = content["amount"]
        return self._changed(kind, content, amount={**amount, name: amount[name] + fen})


_TIMES = ["", "0", "-1", "now", "1e9", "１７００００００００", "9" * 40, "1700000000.5", " 1700000000"]
