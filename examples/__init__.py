"""Flows that a newcomer can run at once, in Langflow's export form."""
