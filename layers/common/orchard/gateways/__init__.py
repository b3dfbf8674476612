"""One module per counterparty on the far side of a network. They speak our types and raise our errors.

No call is made at import, and no HTTP or cryptography library is loaded before the first call.
"""
