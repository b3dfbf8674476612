"""PyMySQL with a memory: much of what a query costs us is the driver's reading of answers, and most of that repeats.

A statement's column definitions are the same bytes each time: the library parses them once per connection. The short
values of a row are cut out in one pass. Whatever is unusual (long values, unbuffered results) goes the library's way.
"""

from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.connections import Connection, MySQLResult
from pymysql.cursors import DictCursor
from pymysql.protocol import MysqlPacket

_MOST_REMEMBERED = 1024
# The first byte of a value: its length, or one of these.
_NULL, _LONG = 251, 252
# What `_get_descriptions` makes of column definitions: fields, description, converters.
_Columns = tuple[Any, Any, Any]
if TYPE_CHECKING:
    _Connection = Connection[DictCursor]
else:
    _Connection = Connection


class RememberingConnection(_Connection):
    """A connection that knows the column definitions it has seen."""

    def __init__(self, **options: Any) -> None:
        self.columns: dict[tuple[bytes, ...], _Columns] = {}
        super().__init__(**options)

    def _read_query_result(self, unbuffered: bool = False) -> Any:
        if unbuffered:
            return super()._read_query_result(unbuffered=True)  # type: ignore[misc]  # missing in the stubs
        self._result = None
        result = RememberingResult(self)
        result.read()
        self._result = result
        if result.server_status is not None:
            self.server_status = result.server_status
        return result.affected_rows


class RememberingResult(MySQLResult):
    """The result of one statement."""

    fields: Any
    converters: Any

    def _get_descriptions(self) -> None:
        connection: Any = self.connection
        packets = tuple(connection._read_packet().get_all_data() for _ in range(self.field_count))
        known = connection.columns.get(packets)
        if known is None:
            self.connection = _Replay(connection, packets)  # type: ignore[assignment]  # as much of one as is read
            try:
                super()._get_descriptions()  # type: ignore[misc]  # missing in the stubs
            finally:
                self.connection = connection
            if len(connection.columns) >= _MOST_REMEMBERED:
                connection.columns.clear()
            connection.columns[packets] = (self.fields, self.description, self.converters)
            return
        self.fields, self.description, self.converters = known
        if not connection._read_packet().is_eof_packet():
            raise pymysql.InternalError("the column definitions have no end")

    def _read_row_from_packet(self, packet: MysqlPacket) -> tuple[Any, ...]:
        data: bytes = packet._data  # type: ignore[attr-defined]  # missing in the stubs
        position = 0
        row: list[Any] = []
        for encoding, converter in self.converters:
            length = data[position]
            position += 1
            if length >= _LONG:
                whole: tuple[Any, ...] = super()._read_row_from_packet(packet)  # type: ignore[misc]  # as above
                return whole
            if length == _NULL:
                row.append(None)
                continue
            raw = data[position : position + length]
            position += length
            value = raw if encoding is None else raw.decode(encoding)
            row.append(value if converter is None else converter(value))
        return tuple(row)


class _Replay:
    """A connection that answers with packets already read, then with the next one from the wire."""

    def __init__(self, connection: Any, packets: tuple[bytes, ...]) -> None:
        self._connection, self._packets = connection, iter(packets)
        self.use_unicode, self.encoding = connection.use_unicode, connection.encoding
        self.decoders = connection.decoders

    def _read_packet(self, packet_type: type[MysqlPacket] = MysqlPacket) -> Any:
        data = next(self._packets, None)
        return self._connection._read_packet() if data is None else packet_type(data, self.encoding)
