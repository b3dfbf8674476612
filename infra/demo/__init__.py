"""The demo shop, a fruit chain, and the purchase that shows it at work."""
