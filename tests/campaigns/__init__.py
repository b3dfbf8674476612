"""Campaigns of faults: random walks, races, poisoned queues and shifted clocks against the running bundle."""
