"""Who calls: what a request shows, and whom that makes them."""
