"""The Signal Register."""
