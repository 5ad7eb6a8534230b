"""Flows written in Python, and put out in Langflow's export format (contract section 7)."""
