"""The verbs of payments, by what they are about. Every function takes the caller's transaction."""

from orchard.payments.service.exceptions import list_exceptions, raise_exception
from orchard.payments.service.refunds import request_refund

__all__ = ["list_exceptions", "raise_exception", "request_refund"]
