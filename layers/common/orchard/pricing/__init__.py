"""One pure engine that prices carts, quotes and orders, and the freight rules it reads."""
