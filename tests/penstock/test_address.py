"""penstock/address.py: where the server answers, and a line that calls it."""

import json
import shlex
import socket

import pytest

from penstock.address import check_free, run_call, url_of
from settings import Settings, SettingsError

KEY = "a-first-key-of-some-length"


def settings(host: str, port: int = 7860) -> Settings:
    return Settings.model_validate({"PENSTOCK_HOST": host, "PORT": port, "PENSTOCK_BOOTSTRAP_KEY": KEY})


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:7860"),
        ("localhost", "http://localhost:7860"),
        ("0.0.0.0", "http://127.0.0.1:7860"),
        ("::1", "http://[::1]:7860"),
        ("::", "http://[::1]:7860"),
        ("192.0.2.7", "http://192.0.2.7:7860"),
    ],
)
def test_the_url_is_one_that_this_machine_reaches(host: str, url: str) -> None:
    assert url_of(settings(host)) == url


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_call_is_one_line_that_a_shell_takes_apart_rightly(host: str) -> None:
    """The key is not in it: the shell puts it there."""
    line = run_call(settings(host), "an-id", with_key=True)
    words = shlex.split(line)
    assert words[:3] == ["curl", "-sS", f"{url_of(settings(host))}/api/v2/workflows"]
    assert json.loads(words[-1]) == {"flow_id": "an-id", "input_value": "Hello", "mode": "sync"}
    assert "x-api-key: $PENSTOCK_BOOTSTRAP_KEY" in words
    assert KEY not in line
    assert "x-api-key" not in run_call(settings(host), "an-id", with_key=False)


def test_a_port_that_is_taken_is_refused() -> None:
    """And one that was looked at is free again."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(SettingsError, match=f"^PORT={port}: cannot be listened on at 127.0.0.1"):
            check_free(settings("127.0.0.1", port))
    check_free(settings("127.0.0.1", port))
    check_free(settings("127.0.0.1", port))


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(SettingsError, match="PENSTOCK_HOST to an address of this machine"):
        check_free(settings("192.0.2.7"))
