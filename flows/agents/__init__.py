"""Agents: a model that calls tools until it has an answer, and that no crash lets forget what it has done."""
