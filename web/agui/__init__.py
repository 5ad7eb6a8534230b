"""A flow as an AG-UI agent: what the stock `HttpAgent` talks to (contract 4.6)."""
