"""client.py: the addresses that something else than HTTP may connect to (fault F7)."""

import asyncio

import pytest
from structlog.testing import capture_logs

from flows.errors import OutboundFailed, OutboundRefused
from flows.outbound.client import Outbound
from flows.outbound.policy import OutboundPolicy
from tests.flows.outbound.site import Lookups


def addresses(host: str, lookups: Lookups, policy: OutboundPolicy | None = None) -> list[str]:
    return asyncio.run(Outbound(policy, lookups).addresses(host, 5432))


def test_the_addresses_of_a_public_host_are_told() -> None:
    assert addresses("db.example", Lookups(["93.184.216.34", "2606:2800::1"])) == ["93.184.216.34", "2606:2800::1"]


def test_a_host_with_one_internal_address_is_refused_and_that_is_logged() -> None:
    with capture_logs() as lines, pytest.raises(OutboundRefused, match=r"db\.example:5432 may not be called"):
        addresses("db.example", Lookups(["93.184.216.34", "10.0.0.1"]))
    [refused] = [line for line in lines if line["event"] == "outbound_refused"]
    assert (refused["host"], refused["address"]) == ("db.example:5432", "10.0.0.1")


def test_an_internal_host_that_is_allowed_is_told() -> None:
    assert addresses("db", Lookups(["10.0.0.1"]), OutboundPolicy.allowing("db:5432")) == ["10.0.0.1"]


def test_a_host_without_addresses_fails() -> None:
    with pytest.raises(OutboundFailed, match=r"The call to db\.example failed"):
        addresses("db.example", Lookups([]))
