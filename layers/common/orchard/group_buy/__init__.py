"""Group-buy: activities, the groups that members fill, and every seat in them."""
