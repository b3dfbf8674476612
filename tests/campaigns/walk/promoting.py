"""Steps with coupons and group-buys."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from infra.demo.drills import let_group_time_pass
from tests.campaigns.race.stage import offer_activity
from tests.campaigns.walk.base import picks
from tests.campaigns.walk.model import Coupon, Group
from tests.campaigns.walk.ordering import Ordering

_AMOUNT_FEN, _THRESHOLD_FEN, _GROUP_FEN = 300, 1000, 350


class Promoting(Ordering):
    """Claim, use and lose coupons; open, join and fail groups."""

    activity_id: int = 0
    template_id: int = 0

    @rule(pick=picks)
    def claim_coupon(self, pick: int) -> None:
        """One for each member, not two; a template that is not there gives nothing."""
        member = self.member(pick)
        self.template_id = self.template_id or self.field.coupons.offer(
            amount_fen=_AMOUNT_FEN, threshold_fen=_THRESHOLD_FEN, quota=2
        )
        body = {"template_id": str(self.template_id)}
        claimed = [coupon for coupon in self.world.coupons if coupon.amount_fen == _AMOUNT_FEN]
        if len(claimed) < 2 and all(coupon.owner is not member for coupon in claimed):
            answer = member.phone.call("POST", "/coupons/claims", body)
            self.world.coupons.append(Coupon(answer["coupon_id"], member, _AMOUNT_FEN, _THRESHOLD_FEN))
        else:
            member.phone.refused("coupon_not_claimable", "POST", "/coupons/claims", body)
        member.phone.refused("not_found", "POST", "/coupons/claims", {"template_id": "9007199254740993"})
        self.compare_coupons()

    @rule(pick=picks)
    def guess_code(self, pick: int) -> None:
        """A guessed code gives nothing, and many guesses are stopped; nothing is learned from either."""
        status, answer = self.member(pick).phone.attempt("POST", "/coupons/redemptions", {"code": "ABCD-EFGH-JKMN"})
        assert answer["code"] in {"coupon_code_refused", "too_many_coupon_codes"}, (status, answer)
        self.compare_coupons()

    @precondition(lambda self: self.world.coupons)
    @rule(pick=picks)
    def end_coupon(self, pick: int) -> None:
        """A coupon past its end expires with the sweep, unless an order holds it."""
        coupon = self.world.coupons[pick % len(self.world.coupons)]
        # Not before now: an order that has just taken it took it in time.
        self.field.change(
            "UPDATE coupon SET starts_at = UTC_TIMESTAMP(6) - INTERVAL 2 HOUR, ends_at = UTC_TIMESTAMP(6)"
            " WHERE id = %s",
            coupon.coupon_id,
        )
        coupon.ended = True
        self.field.fire("expire_coupons")
        if coupon.state == "AVAILABLE":
            coupon.state = "EXPIRED"
        self.compare_coupons()

    def _activity(self) -> int:
        if not self.activity_id:
            goods = self.world.products[-1].goods
            self.activity_id = offer_activity(self.field, goods, price_fen=_GROUP_FEN, per_member_limit=20)
        return self.activity_id

    @rule(pick=picks, join=picks, quantity=st.integers(1, 2))
    def place_in_group(self, pick: int, join: int, quantity: int) -> None:
        """Open a group, or join one that waits; a member is in one at a time."""
        member, activity_id = self.member(pick), self._activity()
        group = next((one for one in self.world.groups if one.state == "OPEN" and not one.over), None)
        group = group if join % 2 else None
        choice: dict[str, Any] = {"activity_id": str(activity_id)} | ({"group_id": group.group_id} if group else {})
        wish = self.pickup(self.world.products[-1], quantity) | {"group_buy": choice}
        quote = member.phone.call("POST", "/quotes", wish)
        body = {**wish, "quote_digest": quote["digest"]}
        if self._barred(member, group):
            member.phone.refused("order_not_placeable", "POST", "/orders", body)
        elif quote["problems"]:
            # Earlier groups that moved their members are not in the model.
            member.phone.refused("order_not_placeable", "POST", "/orders", body)
        else:
            self._seated(self.placed(member, body, self.world.products[-1], quantity), group)
        self.compare_stock()

    def _barred(self, member: object, group: Group | None) -> bool:
        """Whether the model knows of a live seat of the member, or of two seats taken in the group."""
        live = [
            order for one in self.world.groups for order in one.orders
            if one.state in {"PENDING", "OPEN"} and order.state in {"PENDING_PAY", "GROUPING"}
        ]  # fmt: skip
        taken = [order for order in live if group and order.group is group]
        return any(order.owner is member for order in live) or len(taken) > 1

    def _seated(self, order: Any, group: Group | None) -> None:
        if group is None:
            detail = order.owner.phone.call("GET", f"/orders/{order.number}")
            group = Group(detail["group"]["group_id"], order)
            self.world.groups.append(group)
        order.group = group
        group.orders.append(order)

    @precondition(lambda self: self.world.groups)
    @rule(pick=picks)
    def see_group(self, pick: int) -> None:
        """The card that is shared tells the group's state to anybody."""
        group = self.world.groups[pick % len(self.world.groups)]
        told = self.field.nobody().call("GET", f"/groups/{group.group_id}")["state"]
        late = any(order.money and order.open for order in group.orders)
        assert told == group.state or late, (told, group.state)
        group.leader.owner.phone.call("GET", "/my-groups")
        self.field.nobody().call("GET", f"/group-buys/{self.activity_id}")

    @precondition(lambda self: any(group.state == "OPEN" for group in self.world.groups))
    @rule(pick=picks)
    def let_group_fail(self, pick: int) -> None:
        """A group whose time passes fails with the sweep, and its money goes back."""
        waiting = [group for group in self.world.groups if group.state == "OPEN"]
        group = waiting[pick % len(waiting)]
        let_group_time_pass(self.field.db, int(group.group_id), 25)
        group.over = True
        self.field.fire("settle_group_buys")
        self.world.failed(group)
        for order in group.orders:
            self.compare(order)
        self.compare_stock()
