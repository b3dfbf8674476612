"""Errors that nobody foresaw: what a new version of a function is taken back for while calls are shifted to it."""

from orchard.core.errors import AppError
from orchard.runtime.database import is_retryable
from orchard.runtime.logs import count_by_version


def count_if_unexpected(error: BaseException) -> None:
    """Count `error` unless it is a typed refusal or a database that was lost or busy."""
    if not (isinstance(error, AppError) and type(error) is not AppError) and not is_retryable(error):
        count_by_version("UnexpectedErrors")
