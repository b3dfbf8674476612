"""A TCP relay on the loopback interface that fails as networks do, on a plan: exactly here, exactly this often."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from tests.support import mysql_wire

_CHUNK = 65_536
_DROP, _TRICKLE_SECONDS = 7, 0.001


class Trouble(StrEnum):
    """What happens to a conversation."""

    REFUSE = "refuse"  # new connections are reset at once
    CUT_REQUEST = "cut_request"  # the request never arrives, the caller sees a reset
    CUT_ANSWER = "cut_answer"  # the server has acted; its answer is dropped and the caller sees a reset
    HALF_ANSWER = "half_answer"  # half of the answer's first piece, then a reset
    STALL_REQUEST = "stall_request"  # the request vanishes, nobody hears anything
    STALL_ANSWER = "stall_answer"  # the server has acted, the caller hears nothing
    TRICKLE = "trickle"  # the answer comes in drops


@dataclass
class Plan:
    """One trouble for requests that `strikes` picks, `times` times."""

    trouble: Trouble
    strikes: Callable[[bytes], bool] = lambda _: True
    times: int = 1
    hits: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, request: bytes) -> bool:
        """Whether this request is struck."""
        with self._lock:
            if self.hits >= self.times or not self.strikes(request):
                return False
            self.hits += 1
            return True


class TcpRelay:
    """Listens on `port` and passes everything to `target`, a (host, port) that may be set after the start.

    With `mysql` the client's packets are told apart, and an answer is complete when the server has acted on the
    last statement of a packet.
    """

    def __init__(self, target: tuple[str, int] = ("127.0.0.1", 0), *, mysql: bool = False) -> None:
        self.target, self._mysql = target, mysql
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._plan: Plan | None = None
        self._links: set[_Link] = set()
        self._over = threading.Event()
        threading.Thread(target=self._accept, name="relay", daemon=True).start()

    def plan(self, trouble: Trouble, strikes: Callable[[bytes], bool] = lambda _: True, times: int = 1) -> Plan:
        """Replace the plan; the returned one counts its hits."""
        self._plan = Plan(trouble, strikes, times)
        return self._plan

    def heal(self) -> None:
        """No more trouble. Stalled conversations stay dead, as they do behind a firewall that forgot them."""
        self._plan = None

    def cut_all(self) -> None:
        """Reset every conversation."""
        for link in list(self._links):
            link.reset()

    def close(self) -> None:
        """Stop listening and reset everything."""
        self._over.set()
        self._listener.close()
        self.cut_all()

    def struck(self, request: bytes) -> Trouble | None:
        """The trouble that this request meets."""
        plan = self._plan
        return plan.trouble if plan and plan.trouble is not Trouble.REFUSE and plan.take(request) else None

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            plan = self._plan
            if plan and plan.trouble is Trouble.REFUSE and plan.take(b""):
                _reset(client)
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self.target, 5)
        except OSError:
            _reset(client)
            return
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            end.settimeout(None)
        link = _Link(self, client, server, mysql=self._mysql)
        self._links.add(link)
        threading.Thread(target=link.carry_requests, daemon=True).start()
        link.carry_answers()
        self._links.discard(link)


class _Link:
    """One conversation: two directions, a thread each."""

    def __init__(self, relay: TcpRelay, client: socket.socket, server: socket.socket, *, mysql: bool) -> None:
        self._relay, self._client, self._server = relay, client, server
        self._requests = mysql_wire.Packets() if mysql else None
        self._answer = mysql_wire.Answer() if mysql else None
        self._trouble: Trouble | None = None

    def reset(self) -> None:
        """Both ends see a reset."""
        _reset(self._client)
        _reset(self._server)

    def carry_requests(self) -> None:
        """From the client to the server, until one of them is gone."""
        with contextlib.suppress(OSError):
            while piece := self._client.recv(_CHUNK):
                for request in self._requests.feed(piece) if self._requests else [piece]:
                    if self._trouble in {None, Trouble.TRICKLE}:
                        self._trouble = self._relay.struck(request)
                    if self._trouble is Trouble.CUT_REQUEST:
                        self.reset()
                        return
                    if self._trouble is not Trouble.STALL_REQUEST:
                        self._server.sendall(request)
        # The server rolls back what a vanished client left open.
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)

    def carry_answers(self) -> None:
        """From the server to the client."""
        with contextlib.suppress(OSError):
            while (piece := self._server.recv(_CHUNK)) and self._pass(piece):
                pass
        if self._trouble is not Trouble.STALL_ANSWER:
            _close(self._client)
        _close(self._server)

    def _pass(self, piece: bytes) -> bool:
        """Hand on one piece of an answer; False once the conversation is over."""
        trouble = self._trouble
        if trouble is None:
            self._client.sendall(piece)
        elif trouble is Trouble.CUT_ANSWER:
            if self._answer is None or self._answer.complete(piece):
                self.reset()
                return False
        elif trouble is Trouble.HALF_ANSWER:
            self._client.sendall(piece[: len(piece) // 2])
            self.reset()
            return False
        elif trouble is Trouble.TRICKLE:
            for start in range(0, len(piece), _DROP):
                self._client.sendall(piece[start : start + _DROP])
                time.sleep(_TRICKLE_SECONDS)
        return True


def _reset(end: socket.socket) -> None:
    """Close with RST instead of a polite end."""
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    _close(end)


def _close(end: socket.socket) -> None:
    # Without the shutdown a thread that reads this socket would keep it open.
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RD)
    with contextlib.suppress(OSError):
        end.close()
