"""As much of the MySQL protocol as it takes to know a COMMIT and its answer (dev.mysql.com, client/server protocol)."""

_QUERY = 0x03
_OK, _ERROR = 0x00, 0xFF
_MORE_RESULTS = 0x0008


class Packets:
    """Cuts a stream into packets: three bytes of length, one of sequence, the payload."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[bytes]:
        """The packets that are whole now, headers included."""
        self._rest += piece
        whole = []
        while len(self._rest) >= 4 and len(self._rest) >= 4 + _length(self._rest):
            end = 4 + _length(self._rest)
            whole.append(self._rest[:end])
            self._rest = self._rest[end:]
        return whole


def _length(data: bytes) -> int:
    return int.from_bytes(data[:3], "little")


def query(packet: bytes) -> str:
    """The SQL of a query packet, else an empty text."""
    is_query = len(packet) > 5 and packet[4] == _QUERY
    return packet[5:].decode("utf-8", "replace") if is_query else ""


def ends_with_commit(packet: bytes) -> bool:
    """Whether the packet's last statement is COMMIT."""
    return query(packet).rstrip().upper().endswith("COMMIT")


class Answer:
    """Follows the answer to statements without result sets: an OK for each, or one error."""

    def __init__(self) -> None:
        self._packets = Packets()

    def complete(self, piece: bytes) -> bool:
        """Whether the server has said its last word: it has acted on the last statement, or refused one."""
        return any(self._is_last(packet[4:]) for packet in self._packets.feed(piece))

    def _is_last(self, payload: bytes) -> bool:
        if payload[0] == _ERROR:
            return True
        if payload[0] != _OK:
            raise ValueError("a result set where only effects were expected")
        after_affected = _skip_integer(payload, 1)
        flags = _skip_integer(payload, after_affected)
        return not int.from_bytes(payload[flags : flags + 2], "little") & _MORE_RESULTS


def _skip_integer(payload: bytes, position: int) -> int:
    """The position behind a length-encoded integer."""
    return position + {0xFC: 3, 0xFD: 4, 0xFE: 9}.get(payload[position], 1)
