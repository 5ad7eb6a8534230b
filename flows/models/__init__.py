"""Language models: which one a flow asks, at whose endpoint and with whose key, and how it is spoken to."""
