"""Members as strangers may see them."""

from collections.abc import Iterable

from orchard.core import text
from orchard.members import store
from orchard.runtime.database import Tx

_NAMELESS = "微信用户"


def masked_names(tx: Tx, member_ids: Iterable[int]) -> dict[int, str]:
    """member_id -> the first character of the nickname and asterisks, fit for anybody's eyes; one query."""
    ids = sorted(set(member_ids))
    if not ids:
        return {}
    found = {row["id"]: row["nickname"] for row in tx.packet([store.nicknames(ids)])[0].rows}
    return {member_id: masked(found.get(member_id, "")) for member_id in ids}


def masked(nickname: str) -> str:
    """A nickname fit for anybody's eyes."""
    return text.isolate(text.mask_name(nickname)) or _NAMELESS
