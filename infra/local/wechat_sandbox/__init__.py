"""The WeChat sandbox: an emulator of the WeChat server API and of WeChat Pay v3, with its own books.

Runs by itself (`python -m infra.local.wechat_sandbox`) or inside a test (`server.SandboxServer`).
"""
