"""What a flow is and how it is built: pure, with no SQL, Redis, HTTP server, clock or environment of its own."""
