"""POST /wechat-pay/payments: WeChat Pay says that an order was paid."""

from orchard.runtime.callbacks import Callback
from orchard.workflows.notifications import accept_payment

callback = Callback(accept_payment)
handler = callback.handler
