"""Payments: money that comes in through WeChat Pay, money that goes back, and the books of both."""
