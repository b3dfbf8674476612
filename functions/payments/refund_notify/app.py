"""POST /wechat-pay/refunds: WeChat Pay says how a refund ended."""

from orchard.runtime.callbacks import Callback
from orchard.workflows.notifications import accept_refund

callback = Callback(accept_refund)
handler = callback.handler
