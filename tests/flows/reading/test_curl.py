"""curl.py: what a command asks for, and what is not understood of it."""

from typing import Any

import pytest

from flows.reading.curl import MAX_COMMAND, parse_curl

URL = "https://api.example/v1"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

COMMANDS: dict[str, dict[str, Any]] = {
    f"curl {URL}": {},
    f"curl --url {URL}": {},
    f"curl -sSL '{URL}'": {"follows_redirects": True},
    f"curl -X DELETE {URL}": {"method": "DELETE"},
    f"curl --request=put {URL}": {"method": "PUT"},
    f"curl -XPATCH {URL}": {"method": "PATCH"},
    f"curl -I {URL}": {"method": "HEAD"},
    f"curl -H 'X-A: 1' -H \"X-B: a: b\" {URL}": {"headers": {"X-A": "1", "X-B": "a: b"}},
    f"curl -H 'X-A;' {URL}": {"headers": {"X-A": ""}},
    f"curl {URL} -d a=1 -d b=2": {"method": "POST", "headers": FORM, "content": b"a=1&b=2"},
    f"curl {URL} --data-raw '@a'": {"method": "POST", "headers": FORM, "content": b"@a"},
    f"curl {URL} --data-urlencode 'q=a b&c'": {"method": "POST", "headers": FORM, "content": b"q=a%20b%26c"},
    f"curl {URL} --data-urlencode 'a b'": {"method": "POST", "headers": FORM, "content": b"a%20b"},
    f"curl {URL} --data-urlencode '=a b'": {"method": "POST", "headers": FORM, "content": b"a%20b"},
    f"curl {URL} -d '{{}}' -H 'content-type: application/json'": {
        "method": "POST",
        "headers": {"content-type": "application/json"},
        "content": b"{}",
    },
    f"curl {URL} -d a -H 'Content-Type:'": {"method": "POST", "content": b"a"},
    f"curl {URL} --json '{{\"a\":1}}'": {
        "method": "POST",
        "headers": {"Content-Type": "application/json", "Accept": "application/json"},
        "content": b'{"a":1}',
    },
    f"curl -G {URL} -d a=1": {"url": f"{URL}?a=1"},
    f"curl -G '{URL}?b=2' -d a=1": {"url": f"{URL}?b=2&a=1"},
    f"curl -u name:word {URL}": {"headers": {"Authorization": "Basic bmFtZTp3b3Jk"}},
    f"curl -A me -e {URL}/from -b 'a=1' {URL}": {
        "headers": {"User-Agent": "me", "Referer": f"{URL}/from", "Cookie": "a=1"}
    },
    f"curl -m 2.5 {URL}": {"seconds": 2.5},
    f"curl \\\n  --compressed \\\r\n  {URL}": {},
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_asks_for(command: str) -> None:
    """What stands in no option has curl's default."""
    asked = parse_curl(command)
    default: dict[str, Any] = {
        "url": URL,
        "method": "GET",
        "headers": {},
        "content": None,
        "follows_redirects": False,
        "seconds": None,
    }
    assert {name: getattr(asked, name) for name in default} == {**default, **COMMANDS[command]}


REFUSED = {
    "": "does not begin with `curl`",
    f"wget {URL}": "does not begin with `curl`",
    "curl": "names no URL",
    f"curl '{URL}": "is not understood: No closing quotation",
    f"curl {URL} {URL}/b": "has more than one URL",
    f"curl -k {URL}": "has the option -k, which is not understood",
    f"curl -kcanary {URL}": "has the option -k, which is not understood",
    f"curl --oauth2-bearer=canary {URL}": "has the option --oauth2-bearer, which is not understood",
    f"curl -d @/etc/passwd {URL}": "a file cannot be sent",
    f"curl --data-urlencode a@/etc/passwd {URL}": "a file cannot be sent",
    f"curl -b canary.txt {URL}": "a file cannot be read",
    f"curl -m canary {URL}": "give a number of seconds above 0",
    f"curl -m inf {URL}": "give a number of seconds above 0",
    f"curl {URL} --data-raw $'canary'": "is quoted with",
    "curl -H": "expected one argument",
}


@pytest.mark.parametrize("command", REFUSED)
def test_what_is_not_understood_is_told_without_values(command: str) -> None:
    """They may be secrets (I8)."""
    with pytest.raises(ValueError, match=REFUSED[command]) as caught:
        parse_curl(command)
    assert "canary" not in str(caught.value)


def test_a_command_has_so_many_characters_at_most() -> None:
    """I10."""
    with pytest.raises(ValueError, match=f"more than {MAX_COMMAND} characters"):
        parse_curl("curl " + "x" * MAX_COMMAND)
