"""All SQL of group-buy: `activities`, `groups` and `seats` for changes, `pages` for what shoppers see."""
