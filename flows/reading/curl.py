"""The request that a `curl` command makes, without running it."""

import argparse
import re
import shlex
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import quote

MAX_COMMAND = 1_000_000
"""Characters of a command at most (I10)."""
_CONTINUED = re.compile(r"\\\r?\n")
_ANSI_QUOTED = re.compile(r"(?<!\S)\$'")
_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
_WITHOUT_MEANING = (
    "-s", "--silent", "-S", "--show-error", "-v", "--verbose", "-i", "--include", "-N", "--no-buffer", "-g",
    "--globoff", "--compressed", "--http1.1", "--http2",
)  # fmt: skip
"""Options that change what is shown, or how it travels, and not what is asked."""


@dataclass(frozen=True)
class CurlRequest:
    """What a command asks for. `seconds` None is no limit of its own."""

    url: str = field(repr=False)
    method: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes | None = field(repr=False)
    follows_redirects: bool
    seconds: float | None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(f"the cURL command is not understood: {message}")


def parse_curl(command: str) -> CurlRequest:
    """The request of a command as one copies it. Raises `ValueError` with what is not understood, without the values,
    which may be secrets."""
    given, left = _parser().parse_known_args(_words(command))
    if left:
        raise ValueError(f"the cURL command has {_named(left[0])}. Leave it out")
    url = given.url_option or given.url
    if not url:
        raise ValueError("the cURL command names no URL")
    body = "&".join(given.data) if given.data else "".join(given.json) if given.json else None
    if given.get and body is not None:
        url, body = f"{url}{'&' if '?' in url else '?'}{body}", None
    return CurlRequest(
        url=url,
        method=(given.request or ("HEAD" if given.head else "GET" if body is None else "POST")).upper(),
        headers=_headers(given, has_body=body is not None),
        content=None if body is None else body.encode(),
        follows_redirects=given.location,
        seconds=given.max_time,
    )


def _words(command: str) -> list[str]:
    if len(command) > MAX_COMMAND:
        raise ValueError(f"the cURL command has more than {MAX_COMMAND} characters")
    if _ANSI_QUOTED.search(command):
        raise ValueError("the cURL command is quoted with $'…', which is not understood. Use plain quotation marks")
    try:
        words = shlex.split(_CONTINUED.sub(" ", command))
    except ValueError as error:
        raise ValueError(f"the cURL command is not understood: {error}") from None
    if words[:1] != ["curl"]:
        raise ValueError("the cURL command does not begin with `curl`")
    return words[1:]


def _parser() -> _Parser:
    parser = _Parser(prog="curl", add_help=False, allow_abbrev=False)
    parser.add_argument("url", nargs="?")
    parser.add_argument("--url", dest="url_option")
    parser.add_argument("-X", "--request")
    parser.add_argument("-H", "--header", dest="headers", action="append", default=[])
    parser.add_argument("-d", "--data", "--data-ascii", "--data-binary", dest="data", action="append", type=_data)
    parser.add_argument("--data-raw", dest="data", action="append")
    parser.add_argument("--data-urlencode", dest="data", action="append", type=_encoded)
    parser.add_argument("--json", action="append", type=_data)
    parser.add_argument("-u", "--user")
    parser.add_argument("-A", "--user-agent")
    parser.add_argument("-e", "--referer")
    parser.add_argument("-b", "--cookie", type=_cookie)
    parser.add_argument("-m", "--max-time", type=_seconds)
    parser.add_argument("-G", "--get", action="store_true")
    parser.add_argument("-I", "--head", action="store_true")
    parser.add_argument("-L", "--location", action="store_true")
    parser.add_argument(*_WITHOUT_MEANING, dest="ignored", action="store_true")
    return parser


def _headers(given: argparse.Namespace, *, has_body: bool) -> dict[str, str]:
    """The headers that the options make, then those that the command names, which stand before them."""
    made = {"User-Agent": given.user_agent, "Referer": given.referer, "Cookie": given.cookie}
    if given.user is not None:
        made["Authorization"] = f"Basic {b64encode(given.user.encode()).decode()}"
    if given.json:
        made |= {"Content-Type": _JSON, "Accept": _JSON}
    elif has_body:
        made["Content-Type"] = _FORM
    named = dict(_header(header) for header in given.headers)
    kept = {name: value for name, value in made.items() if name.lower() not in {one.lower() for one in named}}
    return {name: value for name, value in {**kept, **named}.items() if value is not None}


def _header(text: str) -> tuple[str, str | None]:
    """A header with its value: None for one that is only there to take another away, as `Accept:` is."""
    name, colon, value = text.partition(":")
    if not colon:
        return name.strip().removesuffix(";"), ""
    return name.strip(), value.strip() or None


def _data(text: str) -> str:
    if text.startswith("@"):
        raise argparse.ArgumentTypeError("a file cannot be sent")
    return text


def _encoded(text: str) -> str:
    name, equals, value = text.partition("=")
    if "@" in name:
        raise argparse.ArgumentTypeError("a file cannot be sent")
    if not equals:
        return quote(text, safe="")
    return f"{name}={quote(value, safe='')}" if name else quote(value, safe="")


def _cookie(text: str) -> str:
    if "=" not in text:
        raise argparse.ArgumentTypeError("a file cannot be read")
    return text


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError("give a number of seconds above 0")
    return seconds


def _named(word: str) -> str:
    """What a word is that nothing takes; of an option no more than its name."""
    if not word.startswith("-"):
        return "more than one URL, or a value that belongs to nothing"
    return f"the option {word.partition('=')[0] if word.startswith('--') else word[:2]}, which is not understood"
