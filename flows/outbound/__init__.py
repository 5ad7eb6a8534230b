"""The one way out: every HTTP call of a flow, models included, goes through the client that is made here (fault F7)."""
