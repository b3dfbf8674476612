"""The page at /sandbox/: the shopper's WeChat for a human. Server-rendered, no outside assets, all text escaped."""

from __future__ import annotations

from html import escape
from typing import Any

from werkzeug.routing import Rule
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from . import cashier
from .control_api import Control

POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'"
STYLE = """
:root { color-scheme: light; --green: #07823f; --line: #e5e5e5; --soft: #6b6b6b; }
body { font: 15px/1.5 -apple-system, "PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei", sans-serif;
  margin: 0; background: #ededed; color: #191919; }
header { background: var(--green); color: #fff; padding: 14px 24px; display: flex; gap: 16px;
  align-items: baseline; flex-wrap: wrap; }
h1 { font-size: 19px; margin: 0; } h2 { font-size: 16px; margin: 0 0 10px; }
main { max-width: 1040px; margin: 20px auto; padding: 0 16px; }
section { background: #fff; border-radius: 8px; padding: 16px 20px; margin-bottom: 16px; overflow-x: auto; }
.pay { display: flex; flex-wrap: wrap; gap: 4px 24px; align-items: center;
  border-top: 1px solid var(--line); padding: 12px 0; } .pay > :first-child { flex: 1 1 260px; }
.amount { font-size: 24px; font-weight: 600; white-space: nowrap; }
small, .soft { color: var(--soft); } small { display: block; overflow-wrap: anywhere; }
form { display: inline-flex; gap: 8px; align-items: center; flex-wrap: wrap; }
button { font: inherit; border: 1px solid #ccc; border-radius: 6px; background: #fff; padding: 6px 14px;
  cursor: pointer; }
button.main { background: var(--green); border-color: var(--green); color: #fff; }
input { font: inherit; padding: 5px 8px; width: 8em; border: 1px solid #ccc; border-radius: 6px; }
table { border-collapse: collapse; width: 100%; } th { font-weight: 500; text-align: left; color: var(--soft); }
th, td { padding: 6px 12px 6px 0; border-top: 1px solid var(--line); vertical-align: top; }
td.mono { font-family: ui-monospace, monospace; font-size: 13px; overflow-wrap: anywhere; }
.good { color: #067a3e; } .bad { color: #b42318; }
"""


def rules() -> list[Rule]:
    """Return the routes of the page and of its forms."""
    return [
        Rule("/sandbox/", methods=["GET"], endpoint="page"),
        Rule("/sandbox/page/payment", methods=["POST"], endpoint="page payment"),
        Rule("/sandbox/page/clock", methods=["POST"], endpoint="page clock"),
        Rule("/sandbox/page/deliver", methods=["POST"], endpoint="page deliver"),
    ]


def respond(control: Control, request: Request, endpoint: str) -> Response:
    """Show the page, or carry out a form and come back to it."""
    if endpoint == "page":
        return _show(control)
    try:
        problem = _carry_out(control, endpoint, request)
    except ValueError as error:
        problem = str(error)
    if problem:
        return _show(control, problem, 400)
    return Response.force_type(redirect("/sandbox/", 303), request.environ)


def _carry_out(control: Control, endpoint: str, request: Request) -> str | None:
    """Do what the form asks; return what the shopper should read when it failed."""
    form = request.form
    if endpoint == "page clock":
        control.advance({"seconds": int(form.get("seconds", ""))})
    elif endpoint == "page deliver":
        control.deliver({})
    else:
        message = cashier.act(control.world, form.get("action", ""), form.get("prepay_id", ""))["errMsg"]
        return None if message in (cashier.OK, cashier.CANCEL, None) else str(message)
    return None


def _show(control: Control, problem: str | None = None, status: int = 200) -> Response:
    body = render(
        payments=control.pending({})["payments"],
        notices=control.notices({})["notices"],
        totals=control.ledger({})["totals"],
        now=control.clock({})["now"],
        problem=problem,
    )
    response = Response(body, status=status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cache-Control"] = "no-store"
    return response


def render(
    payments: list[dict[str, Any]], notices: list[dict[str, Any]], totals: dict[str, int], now: str,
    problem: str | None = None,
) -> str:  # fmt: skip
    """Return the page as HTML."""
    warning = f'<section class="bad" role="alert">{escape(problem)}</section>' if problem else ""
    waiting = "".join(_payment(p) for p in payments) or '<p class="soft">没有待支付的订单 No payment is waiting.</p>'
    rows = "".join(_notice(n) for n in notices)
    return f"""<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>微信沙箱 WeChat sandbox</title><style>{STYLE}</style></head><body>
<header><h1>微信沙箱 WeChat sandbox</h1><span>平台时间 Platform time {escape(now)}</span></header>
<main>{warning}
<section><h2>待支付 Payments waiting ({len(payments)})</h2>{waiting}
<p><a href="/sandbox/">刷新 Refresh</a></p></section>
<section><h2>时钟与通知 Clock and notifications</h2>
<form method="post" action="/sandbox/page/clock"><label>快进秒数 Advance, seconds
<input name="seconds" type="number" min="0" value="60" required></label><button>快进 Advance</button></form>
<form method="post" action="/sandbox/page/deliver"><button>立即发送到期通知 Deliver what is due</button></form>
</section>
<section><h2>最近通知 Latest notifications</h2>
<table><thead><tr><th>事件 Event</th><th>单号 Number</th><th>状态 State</th><th>下次 Next</th>
<th>送达结果 Deliveries</th></tr></thead><tbody>{rows}</tbody></table></section>
<section><h2>账本 Books</h2><p>收款 Paid {_yuan(totals["paid_fen"])} · 退款 Refunded
{_yuan(totals["refunded_fen"])} · 余额 Balance {_yuan(totals["balance_fen"])} ·
<a href="/sandbox/ledger">明细 Details (JSON)</a></p></section>
</main></body></html>"""


def _yuan(fen: int) -> str:
    sign = "-" if fen < 0 else ""
    return f"{sign}¥{abs(fen) // 100}.{abs(fen) % 100:02d}"


def _payment(payment: dict[str, Any]) -> str:
    seen = {"cancelled": "已取消 cancelled", "walked away": "已离开 walked away"}.get(payment["shopper_action"] or "")
    buttons = "".join(
        f'<button name="action" value="{action}"{css}>{label}</button>'
        for action, label, css in (
            ("confirm", "确认支付 Confirm", ' class="main"'),
            ("cancel", "取消 Cancel", ""),
            ("walk_away", "离开 Walk away", ""),
        )
    )
    return f"""<div class="pay"><div>{escape(payment["description"])}
<small>{escape(payment["out_trade_no"])} · {escape(payment["openid"])} · 截止 until
{escape(payment["expires_at"])}{" · " + seen if seen else ""}</small></div>
<div class="amount">{_yuan(payment["total_fen"])}</div>
<form method="post" action="/sandbox/page/payment">
<input type="hidden" name="prepay_id" value="{escape(payment["prepay_id"])}">{buttons}</form></div>"""


def _notice(notice: dict[str, Any]) -> str:
    deliveries = "<br>".join(_delivery(delivery) for delivery in notice["deliveries"]) or "—"
    following = notice["due_at"] if notice["state"] == "PENDING" else "—"
    return (
        f'<tr><td>{escape(notice["event_type"])}</td><td class="mono">{escape(notice["reference"])}</td>'
        f"<td>{escape(notice['state'])}</td><td>{escape(following)}</td><td>{deliveries}</td></tr>"
    )


def _delivery(delivery: dict[str, Any]) -> str:
    css = "good" if delivery["accepted"] else "bad"
    outcome = str(delivery["status"] or delivery["error"])
    text = f"{delivery['at']} #{delivery['attempt']} {delivery['variant']}: {outcome}"
    return f'<span class="{css}">{escape(text)}</span>'
