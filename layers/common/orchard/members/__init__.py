"""Members: login with WeChat, profile, phone number, delivery addresses."""
