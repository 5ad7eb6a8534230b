"""The routes of what belongs to a user."""
