"""What the database's errors mean: repeat the transaction, find another connection, or give up."""

import pymysql

from orchard.core.errors import Unavailable

DUPLICATE_KEY = 1062
# A duplicate key that no statement expects is two processes drawing one row id in one millisecond, which happens once
# in minutes at thousands of orders a second: the transaction is repeated, and draws anew.
_RETRYABLE = {1205, 1213, 1020, DUPLICATE_KEY}
# Gone away, lost, refused, server shutdown, read-only primary after a fail-over, too many connections (in all, of
# one account). A fresh connection may find another server.
_LOST = {2003, 2006, 2013, 1053, 1290, 1836, 1040, 1203, 1226, 1927, 0}
# What a server says whose disk is full: the engine's write failed, its table or the disk is full.
_FULL = {1021, 1026, 1030, 1114}


class CommitUnknown(Unavailable):
    """The connection broke while COMMIT was under way: it may or may not have happened."""

    code = "commit_unknown"


class DatabaseLost(Exception):
    """The connection broke before COMMIT: nothing was changed, so the whole transaction may be repeated."""


def is_lost(error: Exception) -> bool:
    """Whether the connection is of no more use."""
    return isinstance(error, OSError | pymysql.InterfaceError) or _code(error) in _LOST


def is_retryable(error: BaseException) -> bool:
    """Whether the whole transaction may be repeated as it was."""
    return _code(error) in _RETRYABLE or isinstance(error, DatabaseLost | CommitUnknown)


def is_full(error: BaseException) -> bool:
    """Whether the server could not write: nothing changed, and somebody must make room."""
    return _code(error) in _FULL


def _code(error: BaseException) -> object:
    return error.args[0] if isinstance(error, pymysql.MySQLError) and error.args else None
