"""PostgreSQL servers: which may be called, what is read of them, and that nothing is changed."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Queue
from threading import Thread

import psycopg
import pytest

from actors.databases import answering, postgresql
from flows.databases import DatabaseRefused, QueryFailed
from flows.errors import OutboundFailed, OutboundRefused
from flows.outbound.policy import OutboundPolicy
from flows.values import Table
from tests.actors.databases.asking import ask
from tests.flows.outbound.site import Lookups
from tests.services import PostgresServer

NAME = "gates"


@pytest.fixture(scope="module")
def url(postgres_server: PostgresServer) -> Iterator[str]:
    """A database with a table of gates, whose role may do anything."""
    made = postgres_server.create(NAME)
    with psycopg.connect(made) as connection:
        connection.execute("CREATE TABLE gates (id int, name text)")
        connection.execute("INSERT INTO gates VALUES (1, 'north'), (2, 'south')")
    yield made
    postgres_server.drop(NAME)


@pytest.fixture(autouse=True)
def _nothing_changes(url: str) -> Iterator[None]:
    """Whatever a test asks, the table stays as it is and stands alone."""
    yield
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT * FROM gates ORDER BY id").fetchall() == [(1, "north"), (2, "south")]
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (1,)


@pytest.mark.parametrize("ending", ["", ";", " -- the gates", "\n;\n"])
def test_a_query_gives_columns_and_rows(ending: str, url: str) -> None:
    query = "SELECT id, upper(name) AS name FROM gates ORDER BY id DESC"
    assert ask(url, query + ending) == Table(("id", "name"), ((2, "SOUTH"), (1, "NORTH")))


def test_a_query_without_rows_has_columns(url: str) -> None:
    assert ask(url, "SELECT id FROM gates WHERE id > 9") == Table(("id",))


@pytest.mark.parametrize("query", ["VALUES (1)", "TABLE gates", "WITH a AS (SELECT 1) SELECT * FROM a"])
def test_everything_that_reads_is_a_query(query: str, url: str) -> None:
    assert ask(url, query).rows


def test_signs_of_other_drivers_are_no_parameters(url: str) -> None:
    assert ask(url, "SELECT '%s {rows} {bytes}' AS a, 5 % 3 AS b").rows == (("%s {rows} {bytes}", 2),)


CELLS = {
    "NULL": None,
    "9223372036854775807": 2**63 - 1,
    "2.50": 2.5,
    "'NaN'::float8": "NaN",
    "true": True,
    "'é'": "é",
    "'\\x00ff'::bytea": "\\x00ff",
    "timestamp '2026-01-05 10:00'": "2026-01-05T10:00:00",
    "array[1, 2]": [1, 2],
    "'{\"a\": [1]}'::jsonb": {"a": [1]},
    "'0b105ea0-ccef-46c8-844d-d57373370a52'::uuid": "0b105ea0-ccef-46c8-844d-d57373370a52",
}


@pytest.mark.parametrize("expression", CELLS)
def test_every_cell_is_plain_json(expression: str, url: str) -> None:
    assert ask(url, f"SELECT {expression} AS cell").rows == ((CELLS[expression],),)


CHANGES = [
    "INSERT INTO gates VALUES (3, 'east')",
    "DELETE FROM gates RETURNING id",
    "WITH gone AS (DELETE FROM gates RETURNING id) SELECT * FROM gone",
    "DROP TABLE gates",
    "CREATE TABLE more (id int)",
    "SELECT * INTO more FROM gates",
    "COPY gates TO '/tmp/penstock-gates'",
    "COMMIT",
    "SET TRANSACTION READ WRITE",
    "DO $$ BEGIN DELETE FROM gates; END $$",
    "SELECT 1; DELETE FROM gates",
    "SELECT 1) AS a; COMMIT; DELETE FROM gates; SELECT * FROM (SELECT 1",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "SELECT nextval('gates')",
    "SELECT query_to_xml('DELETE FROM gates', true, true, '')",
]


@pytest.mark.parametrize("query", CHANGES)
def test_what_is_more_than_reading_is_refused(query: str, url: str) -> None:
    with pytest.raises(QueryFailed, match="The query failed: "):
        ask(url, query)


def test_what_a_function_leaves_behind_in_a_transaction_goes_with_it(url: str) -> None:
    """PostgreSQL makes large objects even in one that only reads."""
    with suppress(QueryFailed):
        ask(url, "SELECT lo_create(0) AS a")
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_largeobject_metadata").fetchone() == (0,)


def test_a_query_that_leaves_ours_is_held_by_the_transaction(url: str) -> None:
    """The price of setting a text into a text: it may read otherwise than we do, and still does no more than read."""
    with pytest.raises(QueryFailed):
        ask(url, "SELECT 1) AS asked, (SELECT set_config('transaction_read_only', 'off', true)) AS b, (SELECT 2")


def test_the_name_of_a_host_is_looked_up_once_and_called_where_it_was_checked(url: str) -> None:
    """DNS rebinding (fault F7)."""
    lookups = Lookups(["127.0.0.1"], ["10.0.0.1"])
    named = url.replace("127.0.0.1", "db.example")
    assert ask(named, "SELECT 1 AS a", resolve=lookups).rows == ((1,),)
    assert lookups.asked == ["db.example"]


def test_a_server_that_flows_may_not_call_is_not_called() -> None:
    """Fault F7."""
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(OutboundRefused, match="is loopback"):
        ask(f"postgresql://me:canary@127.0.0.1:{server.getsockname()[1]}/a", "SELECT 1", policy=OutboundPolicy())


def test_a_name_that_nobody_knows_fails_the_call() -> None:
    async def nobody(host: str, port: int) -> list[str]:
        raise OSError("no such host")

    with pytest.raises(OutboundFailed, match=r"The call to db\.example failed: db\.example could not be looked up"):
        ask("postgresql://me@db.example/a", "SELECT 1", resolve=nobody)


REFUSED = {
    "not a url canary": "is not readable",
    "postgresql://me:canary@host:port/a": "is not readable",
    "mysql://me:canary@host/a": "Databases of the kind 'mysql' cannot be asked",
    "postgresql://me:canary@/a": "lacks a part",
    "postgresql://host/a": "lacks a part",
    "postgresql://me:canary@host": "lacks a part",
    "postgresql://me:canary@one,two/a": "lacks a part",
    "postgresql://me:canary@host/a?hostaddr=127.0.0.1": "Only sslmode may be set",
    "postgresql://me:canary@host/a?service=x": "Only sslmode may be set",
    "postgresql://me:canary@host/a?passfile=/etc/passwd": "Only sslmode may be set",
    "postgresql://me:canary@host/a?sslmode=canary": "Only sslmode may be set",
}


@pytest.mark.parametrize("wrong", REFUSED)
def test_a_wrong_url_is_refused_without_its_password(wrong: str) -> None:
    """I8."""
    with pytest.raises(DatabaseRefused, match=REFUSED[wrong]) as caught:
        ask(wrong, "SELECT 1")
    assert "canary" not in str(caught.value)


def test_nothing_of_this_process_is_given_to_a_server(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a URL leaves out is not taken from the environment, or this would go elsewhere and fail (I8)."""
    monkeypatch.setenv("PGHOSTADDR", "10.0.0.1")
    monkeypatch.setenv("PGSSLMODE", "require")
    monkeypatch.setenv("PGOPTIONS", "-c canary=on -c nothing")
    assert ask(url, "SELECT 1 AS a").rows == ((1,),)


def test_a_server_that_asks_for_a_password_gets_none_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """I8."""
    monkeypatch.setenv("PGPASSWORD", "canary")
    with asking_for_password() as (port, given):
        with pytest.raises(QueryFailed):
            ask(f"postgresql://me@127.0.0.1:{port}/a?sslmode=disable", "SELECT 1")
        assert given.get(timeout=10).rstrip(b"\0")[5:] == b"none"


@contextmanager
def asking_for_password() -> Iterator[tuple[int, Queue[bytes]]]:
    """A server that asks each client for its password in clear, keeps it and hangs up."""
    given: Queue[bytes] = Queue()

    def serve(server: socket.socket) -> None:
        client, _ = server.accept()
        with client:
            client.recv(4096)
            client.sendall(b"R\0\0\0\x08\0\0\0\x03")
            given.put(client.recv(4096))

    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=serve, args=(server,), daemon=True).start()
        yield server.getsockname()[1], given


def test_a_query_that_fails_tells_why(url: str) -> None:
    with pytest.raises(QueryFailed, match=r'The query failed: column "nothing" does not exist\.'):
        ask(url, "SELECT nothing FROM gates")


def test_two_columns_of_one_name_are_refused(url: str) -> None:
    with pytest.raises(QueryFailed, match="Two columns of the answer are called 'id'"):
        ask(url, "SELECT * FROM gates AS a, gates AS b")


def test_a_server_that_is_not_there_fails_the_query_without_its_password() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(QueryFailed, match="The query failed: ") as caught:
        ask(f"postgresql://me:canary@127.0.0.1:{port}/a", "SELECT 1")
    assert "canary" not in str(caught.value)


def test_an_answer_has_so_many_rows_at_most(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """I10."""
    for module in (answering, postgresql):
        monkeypatch.setattr(module, "MAX_ROWS", 100)
    assert len(ask(url, "SELECT i FROM generate_series(1, 100) AS i").rows) == 100
    with pytest.raises(QueryFailed, match="more than 100 rows"):
        ask(url, "SELECT 1 AS i FROM generate_series(1, 11) AS a, generate_series(1, 10) AS b")


def test_a_row_has_so_many_bytes_at_most(url: str) -> None:
    """And is not sent when it has more (I10)."""
    with pytest.raises(QueryFailed, match="A row of the answer has more than 1000000 bytes"):
        ask(url, "SELECT repeat('x', 1000000) AS a")


def test_a_query_takes_so_long_at_most(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """I10."""
    monkeypatch.setattr(postgresql, "SECONDS", 0.3)
    with pytest.raises(QueryFailed, match=r"took longer than 0\.3 s|canceling statement"):
        ask(url, "SELECT pg_sleep(60)")


def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """I10."""
    monkeypatch.setattr(postgresql, "SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(QueryFailed, match=r"longer than 0\.3 s"):
        ask(f"postgresql://me@127.0.0.1:{silent.getsockname()[1]}/a", "SELECT 1")
