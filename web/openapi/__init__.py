"""The description of the API (OpenAPI 3.1) at /openapi.json, and the page at /docs that shows it."""
