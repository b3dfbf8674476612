"""WeChat Pay v3: a thin client and the opener of its notifications.

Rules are from the platform's merchant documents. Neither urllib3 nor cryptography is loaded by importing this
package; both come with the first client, key set or notification.
"""

from orchard.gateways.errors import InvalidNotification, OutcomeUnknown, RetryLater
from orchard.gateways.wechat_pay.client import WeChatPayClient
from orchard.gateways.wechat_pay.errors import (
    AlreadyClosed,
    AlreadyPaid,
    FrequencyLimited,
    MerchantSetupRefused,
    NotEnoughBalance,
    OrderMissing,
)
from orchard.gateways.wechat_pay.models import Refund, RefundRequest, RefundResult, Transaction
from orchard.gateways.wechat_pay.notifications import Notification, as_refund, as_transaction, open_notification
from orchard.gateways.wechat_pay.settings import MerchantKeys
from orchard.gateways.wechat_pay.signing import PlatformKeys

__all__ = [
    "AlreadyClosed",
    "AlreadyPaid",
    "FrequencyLimited",
    "InvalidNotification",
    "MerchantKeys",
    "MerchantSetupRefused",
    "NotEnoughBalance",
    "Notification",
    "OrderMissing",
    "OutcomeUnknown",
    "PlatformKeys",
    "Refund",
    "RefundRequest",
    "RefundResult",
    "RetryLater",
    "Transaction",
    "WeChatPayClient",
    "as_refund",
    "as_transaction",
    "open_notification",
]
