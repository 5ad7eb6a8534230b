"""How people reach it: Starlette routes, SSE, wire protocols."""
