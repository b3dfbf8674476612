"""Runs functions from their built artefacts under AWS's own runtime client, as Lambda does."""
