"""What every request passes, and what bounds it."""
