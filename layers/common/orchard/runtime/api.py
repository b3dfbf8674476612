"""The HTTP edge: Powertools' resolver with our transaction, our errors, sessions and idempotency around it.

A handler declares what it needs (`CurrentMember`, `Transaction`, `Transactions`) and returns its response model. One
transaction spans the whole request: committed when the handler returned, rolled back on any error, repeated whole
on deadlocks and lost connections. Every POST takes an `Idempotency-Key` unless it says otherwise.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from orchard.core.errors import AppError, Unavailable
from orchard.runtime import bodies, crash_points, idempotency, problems, sessions
from orchard.runtime.database import MAX_ATTEMPTS, CommitUnknown, Connection, Tx, connection, is_retryable, pause
from orchard.runtime.logs import count, invocation, logger, request_id_of
from orchard.runtime.powertools import APIGatewayHttpResolver, Depends, Path, Query, Request, Response
from orchard.runtime.sessions import MemberSession
from orchard.runtime.time_left import TimeLeft
from orchard.runtime.unexpected import count_if_unexpected

# Handlers import all that they declare from here.
__all__ = ["Api", "CurrentMember", "Path", "Query", "Transaction", "Transactions"]

Event = dict[str, Any]
Answer = dict[str, Any]
_TX = "orchard.tx"
_MEMBER = "orchard.member"
# Most answers are one shopper's own, and the others change from minute to minute: no cache may keep any of them.
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def _transaction(request: Request) -> Tx:
    tx: Tx = request.context[_TX]
    return tx


def _current_member(request: Request) -> MemberSession:
    if _MEMBER not in request.context:
        request.context[_MEMBER] = sessions.authenticate(_transaction(request), request.headers.get("authorization"))
    member: MemberSession = request.context[_MEMBER]
    return member


def _transactions() -> Connection:
    return connection


# The request's transaction, committed at the edge.
Transaction = Annotated[Tx, Depends(_transaction)]
# For workflows that call a platform between transactions: `transactions.run(work)`.
Transactions = Annotated[Connection, Depends(_transactions)]
# Who calls; refuses with 401 before the handler runs.
CurrentMember = Annotated[MemberSession, Depends(_current_member)]


class Api:
    """The function behind one URL. `handler` is its Lambda entry point, `resolver` Powertools' resolver."""

    def __init__(self) -> None:
        self.resolver = APIGatewayHttpResolver(enable_validation=True, json_body_deserializer=bodies.parse_json)
        self.resolver.exception_handler(Exception)(self._render)
        self._failure: Exception | None = None
        self._has_key = False

    def get(self, path: str, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register the handler of GET on `path` (`/orders/<order_number>` style parameters)."""
        return self._route("GET", path, **options)

    def post(
        self, path: str, *, idempotent: bool = True, personal: bool = False, **options: Any
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register the handler of POST; with `idempotent` it needs a member and an Idempotency-Key.

        `personal`: the answer holds personal data, so it is encrypted where it is kept for a repetition.
        """
        return self._route("POST", path, idempotent=idempotent, personal=personal, **options)

    def put(self, path: str, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register the handler of PUT."""
        return self._route("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register the handler of PATCH."""
        return self._route("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register the handler of DELETE."""
        return self._route("DELETE", path, **options)

    def _route(
        self, method: str, path: str, *, idempotent: bool = False, personal: bool = False, **options: Any
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            extensions = {"x-idempotent": True} if idempotent else None
            once = _Idempotent(function.__name__, self._key_taken, personal=personal)
            middlewares: Sequence[Callable[..., Any]] = [once] if idempotent else []
            return self.resolver.route(
                path, method=method, operation_id=function.__name__, middlewares=list(middlewares),
                openapi_extensions=extensions, **options,
            )(function)  # fmt: skip

        return register

    def handler(self, event: Event, context: Any) -> Answer:
        """Lambda entry point: one HTTP API event (payload 2.0) in, one answer out."""
        request_id = request_id_of(context)
        with invocation(event.get("routeKey", "-"), request_id), connection.within(TimeLeft(context).seconds):
            try:
                answer = self._with_retries(bodies.in_plain_text(event), context, request_id)
            except AppError as error:
                answer = self._refused(error, request_id)
            return {**answer, "headers": {**(answer.get("headers") or {}), **_HEADERS}}

    def _with_retries(self, event: Event, context: Any, request_id: str) -> Answer:
        failure: Exception | None = None
        for attempt in range(MAX_ATTEMPTS):
            answer, failure = self._attempt(event, context)
            if failure is None:
                return answer
            if not self._may_repeat(failure):
                break
            count("TransactionsRepeated")
            pause(attempt)
        return self._refused(failure or Unavailable(), request_id)

    def _attempt(self, event: Event, context: Any) -> tuple[Answer, Exception | None]:
        self._failure, self._has_key = None, False
        tx = connection.transaction()
        self.resolver.append_context(**{_TX: tx})  # type: ignore[no-untyped-call]  # untyped upstream
        try:
            answer = self.resolver.resolve(event, context)
            if self._failure is None:
                crash_points.reached("api.work_done")
                tx.commit()
                crash_points.reached("api.committed")
        except Exception as error:
            self._failure = error
        if self._failure is not None:
            tx.rollback()
            return {}, self._failure
        return _bare(answer), None

    def _may_repeat(self, failure: Exception) -> bool:
        # After a broken COMMIT only what took a key may run again: its row tells whether it had happened.
        return is_retryable(failure) and (self._has_key or not isinstance(failure, CommitUnknown))

    def _key_taken(self) -> None:
        self._has_key = True

    def _refused(self, failure: Exception, request_id: str) -> Answer:
        error = problems.as_app_error(failure)
        if error.status >= 500:
            logger.error("request failed", exc_info=failure, code=error.code)
            count("ServerErrors")
            count_if_unexpected(failure)
        else:
            logger.info("request refused", code=error.code)
            count("Refusals")
        return problems.as_answer(error, request_id)

    def _render(self, error: Exception) -> Response[str]:
        # Only remembered here: whether to repeat, and the answer itself, are decided after the roll-back.
        self._failure = error
        return Response(status_code=500, content_type="text/plain", body="")


def _bare(answer: Answer) -> Answer:
    # A 204 has no content; the resolver would send the word null.
    return {**answer, "headers": {}, "multiValueHeaders": {}, "body": ""} if answer["statusCode"] == 204 else answer


class _Idempotent:
    """Middleware of one POST route: take the key, replay a known answer, store a new one with the commit."""

    def __init__(self, operation: str, taken: Callable[[], None], *, personal: bool) -> None:
        self._operation, self._taken, self._personal = operation, taken, personal
        self.__name__ = f"idempotent_{operation}"

    def __call__(self, app: Any, next_middleware: Callable[..., Response[Any]]) -> Response[Any]:
        request: Request = app.request
        key = idempotency.check_key(request.headers.get("idempotency-key"))
        member, tx = _current_member(request), _transaction(request)
        fingerprint = f"{request.resolved_event.path}\n{request.resolved_event.decoded_body or ''}".encode()
        stored = idempotency.claim(tx, member.member_id, self._operation, key, fingerprint)
        self._taken()
        if stored is not None:
            body = idempotency.unseal(member.member_id, key, stored.body) if self._personal else stored.body
            return Response(status_code=stored.status, content_type="application/json", body=body)
        response = next_middleware(app)
        response.body = bodies.dump_json(response.body)
        kept = idempotency.seal(member.member_id, key, response.body) if self._personal else response.body
        tx.at_commit(idempotency.answered(member.member_id, self._operation, key, response.status_code, kept))
        return response
