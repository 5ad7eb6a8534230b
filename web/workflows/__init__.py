"""The routes under /api/v2/workflows."""
