"""Functions whose clock is wrong: one more gateway over the same bundle, its interpreters' time shifted."""
