"""What a campaign need not reach, each with its reason; a name that no longer exists fails the campaign."""

_NO_SHIPPING = "nothing ships yet: the states stand in the table for the capability that will"
_MERCHANT = "the merchant's side, which has no endpoint"

EXCUSES: dict[str, str] = {"refusal: internal_error": "an untyped error is a bug, and fails where it is seen"}
