"""The mini-program's client of WeChat's server API, one per warm function."""

from functools import lru_cache

from orchard.gateways.wechat import MiniProgram, WeChat
from orchard.runtime import settings
from orchard.runtime.database import Connection
from orchard.runtime.settings import WeChatSettings
from orchard.runtime.tokens import DatabaseTokenStore


def client(transactions: Connection) -> WeChat:
    """The client; its access token is shared through the database. Raises ConfigurationError."""
    return _client(settings.wechat(), transactions)


@lru_cache(maxsize=1)
def _client(group: WeChatSettings, transactions: Connection) -> WeChat:
    app = MiniProgram(group.app_id, group.app_secret.get_secret_value(), group.api_url)
    return WeChat(app, DatabaseTokenStore(transactions, f"wechat:{group.app_id}"))
