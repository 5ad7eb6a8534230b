"""Langflow's first way to run a flow, which its SDK calls; the jobs are those of the second (contract 0)."""
