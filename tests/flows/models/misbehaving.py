"""A table of misbehaviours of a model server, and what a run makes of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.model_wires import OPENAI
from tests.scripted_models import Act, Exchange, event_bytes

FINE = OPENAI.says("All ", "good")
CONTEXT_TOO_LONG = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."


@dataclass(frozen=True)
class Misbehaviour:
    """What a server does, and how it ends: `told` stands in the error, or the answer comes after `tries`."""

    script: Sequence[Act]
    told: str = ""
    tries: int = 1

    @property
    def ends_well(self) -> bool:
        return not self.told


def begins(*pieces: str) -> Act:
    """The first pieces of an answer."""

    def act(exchange: Exchange) -> None:
        exchange.begin()
        for piece in pieces:
            exchange.event(OPENAI.chunk({"content": piece}))

    return act


def then(*acts: Act) -> Act:
    """One after the other, for the same request."""

    def act(exchange: Exchange) -> None:
        for one in acts:
            one(exchange)

    return act


def _half_closed(exchange: Exchange) -> None:
    """Ends in the middle, but as HTTP allows."""
    exchange.begin_until_closed()
    exchange.raw(event_bytes(OPENAI.chunk({"content": "Half an"})))


def _ended_early(exchange: Exchange) -> None:
    begins("Half an")(exchange)
    exchange.end()


def _endless(exchange: Exchange) -> None:
    exchange.begin()
    while True:
        exchange.event(OPENAI.chunk({"content": "and on "}))


def _never_an_event(exchange: Exchange) -> None:
    """Lives, and says nothing."""
    exchange.begin()
    while True:
        exchange.piece(b": still here\n\n" * 1_000)


def _garbage_json(exchange: Exchange) -> None:
    exchange.answer(200, b'{"choices": [', {"Content-Type": "application/json"})


def _page(exchange: Exchange) -> None:
    exchange.answer(200, b"<html><body>Welcome to our proxy</body></html>", {"Content-Type": "text/html"})


def _garbage_events(exchange: Exchange) -> None:
    exchange.begin()
    exchange.event('{"choices": [{"delta"')
    exchange.end()


def _other_events(exchange: Exchange) -> None:
    exchange.begin()
    exchange.event({"surprise": ["nothing", "of", "use"]})
    exchange.event("[DONE]")
    exchange.end()


def _bad_bytes(exchange: Exchange) -> None:
    exchange.begin()
    exchange.piece(b"data: \xff\xfe\x00\n\n")
    exchange.end()


def _no_http(exchange: Exchange) -> None:
    exchange.raw(b"SSH-2.0-OpenSSH_9.9\r\n")
    exchange.break_off()


def _empty(exchange: Exchange) -> None:
    exchange.answer(200, b"", {"Content-Type": "text/event-stream"})


def _held_back(exchange: Exchange) -> None:
    exchange.begin()
    exchange.event(OPENAI.chunk({}, "content_filter"))
    exchange.event("[DONE]")
    exchange.end()


def _error_in_stream(exchange: Exchange) -> None:
    begins("Half an")(exchange)
    exchange.event({"error": {"message": "The engine fell over", "type": "server_error", "code": "server_error"}})
    exchange.end()


def refuses(status: int, message: str = "try later", kind: str = "", headers: Mapping[str, str] | None = None) -> Act:
    return OPENAI.refuses(status, message, kind, headers)


AT_ONCE = {"Retry-After": "0"}
SOON = {"Retry-After": "Thu, 26 Nov 2026 08:00:00 GMT", "Date": "Thu, 26 Nov 2026 08:00:00 GMT"}
IN_AN_HOUR = {"Retry-After": "3600"}
ELSEWHERE = {"Location": "http://169.254.169.254/latest/meta-data/"}

BROKE_OFF = "its answer broke off. Run it again."
UNREADABLE = "its answer cannot be used. Where it is no answer of a model at all, check that the base URL is"
SILENT = "nothing came from it for 0.3 s, or its answer did not end"
ASKED_TOO_MUCH = "it is asked too much at once, also when asked again 2 times. Run it again later, or raise the limit"
OUT_OF_ORDER = "it is out of order, also when asked again 2 times. Run it again later."

MISBEHAVIOURS: Mapping[str, Misbehaviour] = {
    "never a first byte": Misbehaviour([Exchange.wait_until_gone], SILENT),
    "head, then silence": Misbehaviour([then(Exchange.begin, Exchange.wait_until_gone)], SILENT),
    "stalls in the middle": Misbehaviour([then(begins("Half", " an"), Exchange.wait_until_gone)], SILENT),
    "429 once, with seconds": Misbehaviour([refuses(429, headers=AT_ONCE), FINE], tries=2),
    "429 once, with a date": Misbehaviour([refuses(429, headers=SOON), FINE], tries=2),
    "429 once, without a word": Misbehaviour([refuses(429), FINE], tries=2),
    "429 for ever": Misbehaviour([refuses(429)], ASKED_TOO_MUCH, tries=3),
    "429 for an hour": Misbehaviour([refuses(429, headers=IN_AN_HOUR)], "asks to wait 3600 s, which is too long"),
    "no credit left": Misbehaviour([refuses(429, kind="insufficient_quota")], "has no credit or quota left", tries=3),
    "500 once": Misbehaviour([refuses(500), FINE], tries=2),
    "500, then 503": Misbehaviour([refuses(500), refuses(503), FINE], tries=3),
    "500 for ever": Misbehaviour([refuses(500)], OUT_OF_ORDER, tries=3),
    "529 for ever": Misbehaviour([refuses(529)], OUT_OF_ORDER, tries=3),
    "400, context too long": Misbehaviour(
        [refuses(400, CONTEXT_TOO_LONG, "context_length_exceeded")], "told more than it can read. Send less"
    ),
    "400, in words only": Misbehaviour([refuses(400, CONTEXT_TOO_LONG)], "told more than it can read. Send less"),
    "400": Misbehaviour([refuses(400, "temperature is too hot")], 'it refuses the request (400). Change in the flow'),
    "401": Misbehaviour([refuses(401)], "it does not take the key. Check the one in the field api_key"),
    "403": Misbehaviour([refuses(403)], "it does not take the key. Check the one in the field api_key"),
    "404": Misbehaviour([refuses(404, kind="model_not_found")], "it knows no such model, or nothing is at this"),
    "404, a page": Misbehaviour([lambda exchange: exchange.answer(404, b"<h1>Lost</h1>")], "it knows no such model"),
    "half a JSON": Misbehaviour([_garbage_json], UNREADABLE),
    "a web page": Misbehaviour([_page], UNREADABLE),
    "half a JSON as an event": Misbehaviour([_garbage_events], UNREADABLE),
    "events of something else": Misbehaviour([_other_events], BROKE_OFF),
    "bytes that are no text": Misbehaviour([_bad_bytes], UNREADABLE),
    "no HTTP": Misbehaviour([_no_http], BROKE_OFF, tries=3),
    "an error in the middle": Misbehaviour([_error_in_stream], "it is out of order. Run it again later."),
    "closed in the middle": Misbehaviour([then(begins("Half an"), Exchange.break_off)], BROKE_OFF),
    "reset in the middle": Misbehaviour([then(begins("Half an"), Exchange.reset)], BROKE_OFF),
    "closed in the middle, politely": Misbehaviour([_half_closed], BROKE_OFF),
    "ended in the middle": Misbehaviour([_ended_early], BROKE_OFF),
    "reset before it answers": Misbehaviour([Exchange.reset], BROKE_OFF, tries=3),
    "reset once before it answers": Misbehaviour([Exchange.reset, FINE], tries=2),
    "closed before it answers": Misbehaviour([Exchange.break_off], BROKE_OFF, tries=3),
    "closed once before it answers": Misbehaviour([Exchange.break_off, FINE], tries=2),
    "held back": Misbehaviour([_held_back], "its provider holds the answer back"),
    "nothing in the answer": Misbehaviour([_empty], UNREADABLE),
    "an answer without end": Misbehaviour([_endless], "its answer has more than 100000 bytes"),
    "signs of life without end": Misbehaviour([_never_an_event], "its answer has more than 100000 bytes"),
    "leads to an internal address": Misbehaviour(
        [refuses(307, headers=ELSEWHERE)], "it leads elsewhere, where the key and the question are not sent"
    ),
}  # fmt: skip
