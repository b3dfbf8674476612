"""What needs a person: a row that an operator can list, an error in the log, a metric to alarm on."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchard.core.clock import from_database
from orchard.payments.models import ExceptionKind
from orchard.payments.store import books
from orchard.runtime.database import Row, Tx
from orchard.runtime.logs import count, logger


@dataclass(frozen=True, slots=True)
class PaymentException:
    """One matter. `times` counts how often it came up; `resolved_at` is None while it is open."""

    kind: ExceptionKind
    subject: str
    detail: dict[str, Any]
    times: int
    first_at: datetime
    last_at: datetime
    resolved_at: datetime | None
    resolution: str | None


def raise_exception(tx: Tx, kind: ExceptionKind, subject: str, **detail: str | int) -> None:
    """Call an operator. `detail` holds numbers and codes only, no personal data."""
    logger.error("payment exception", kind=kind.value, subject=subject, detail=detail)
    count("PaymentExceptions")
    tx.execute(books.raise_exception(kind.value, ascii(subject)[1:-1][:64], detail))


def resolve_exception(tx: Tx, kind: ExceptionKind, subject: str, resolution: str) -> None:
    """Close a matter that has settled itself; nothing happens if there is none."""
    tx.execute(books.resolve_exception(kind.value, subject, resolution))


def list_exceptions(tx: Tx, limit: int = 100, *, only_open: bool = True) -> list[PaymentException]:
    """What an operator must look at, oldest first."""
    return [_exception(row) for row in books.exceptions(tx, limit, only_open=only_open)]


def _exception(row: Row) -> PaymentException:
    resolved_at = row["resolved_at"]
    return PaymentException(
        kind=ExceptionKind(row["kind"]),
        subject=row["subject"],
        detail=json.loads(row["detail"]),
        times=row["times"],
        first_at=from_database(row["first_at"]),
        last_at=from_database(row["last_at"]),
        resolved_at=from_database(resolved_at) if resolved_at else None,
        resolution=row["resolution"],
    )
