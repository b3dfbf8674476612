"""Orchard: the rules of a shop behind a WeChat mini-program, shared by every cloud function."""

import gc

# Imports and requests make many objects that are not garbage; at the default threshold of 700 the collector walks them
# over and over in vain, which is a tenth of a cold start. Cycles are still collected, only less eagerly.
gc.set_threshold(20_000, 20, 20)
