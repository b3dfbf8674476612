"""The random walk: a state machine over the HTTP API, with a model in Python that says what must be true."""
