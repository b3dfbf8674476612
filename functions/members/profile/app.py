"""GET, PATCH /profile: the member's own profile."""

from orchard.members.schemas import Profile, ProfileChange
from orchard.members.service import profile
from orchard.runtime.api import Api, CurrentMember, Transaction

api = Api()


@api.get("/profile")
def get_profile(member: CurrentMember, tx: Transaction) -> Profile:
    return profile.show_profile(tx, member)


@api.patch("/profile")
def patch_profile(change: ProfileChange, member: CurrentMember, tx: Transaction) -> Profile:
    return profile.change_profile(tx, member, change)


handler = api.handler
