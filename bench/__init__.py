"""What `make bench` measures: real servers, a light client, and figures with their spread."""
