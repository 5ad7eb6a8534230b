"""How a secret is struck out of a text."""

REDACTED = "***"
"""What stands in the place of a secret."""
