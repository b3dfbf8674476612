"""Races of every pair of conflicting endpoints, callbacks, jobs and workers."""
