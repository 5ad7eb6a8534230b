"""Penstock from a program: two clients, what they answer with (`models`), what they yield (`events`), and what they
raise (`errors`)."""

from penstock.client.asynchronous import AsyncClient
from penstock.client.blocking import Client

__all__ = ["AsyncClient", "Client"]
