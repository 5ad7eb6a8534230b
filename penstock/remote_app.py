"""What can be typed about the jobs of a server, near or far. What a command needs is imported when it runs."""

from typing import Annotated

import typer

remote_app = typer.Typer()

JobId = Annotated[str, typer.Argument(metavar="JOB", help="The id of a job.")]
Url = Annotated[
    str | None,
    typer.Option("--url", envvar="PENSTOCK_URL", metavar="URL", help="The server; http://127.0.0.1:7860 without it."),
]
Key = Annotated[
    str | None,
    typer.Option("--key", envvar="PENSTOCK_API_KEY", metavar="KEY", help="An API key; better in the variable."),
]


@remote_app.command()
def attach(
    job_id: JobId,
    cursor: Annotated[str | None, typer.Option(metavar="CURSOR", help="Only what came behind this event.")] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Stay while it waits for somebody.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One event per line, as JSON.")] = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Watch a job of a server until it is over or waits for somebody, and print its answer. Ctrl-C leaves it alone.

    Exit codes: 0 completed, 1 failed, 2 refused or no server, 3 waits for somebody, 130 stopped or left.
    """
    from penstock.commands.attach import attach as command
    from penstock.server import Server

    raise typer.Exit(command(Server(url, key), job_id, cursor, as_json=as_json, across_pauses=follow))


@remote_app.command()
def jobs(
    flow: Annotated[str | None, typer.Option(metavar="ID", help="Only of this flow.")] = None,
    status: Annotated[str | None, typer.Option(help="Only in this state, as suspended.")] = None,
    session: Annotated[str | None, typer.Option(help="Only of this chat session.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="As many at most.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One job per line, as JSON.")] = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """List the jobs of a server, the newest first.

    Exit codes: 0 listed, 2 refused or no server.
    """
    from penstock.commands.jobs import Wanted, show
    from penstock.server import Server

    show(Server(url, key), Wanted(flow, status, session, limit), as_json=as_json)


@remote_app.command()
def stop(job_id: JobId, url: Url = None, key: Key = None) -> None:
    """Stop a job of a server, in any state; one that is over stays as it is.

    Exit codes: 0 it is over, 2 refused or no server.
    """
    from penstock.commands.stop import stop as command
    from penstock.server import Server

    command(Server(url, key), job_id)


@remote_app.command()
def resume(
    job_id: JobId,
    request_id: Annotated[str | None, typer.Argument(help="The id of its request; asked for without it.")] = None,
    action_id: Annotated[str | None, typer.Argument(metavar="[ACTION]", help="One of its actions.")] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--value", metavar="NAME=VALUE", help="A field of its form, as JSON or as text; repeatable."),
    ] = None,
    text: Annotated[str, typer.Option(help="A free text, if one is asked for.")] = "",
    url: Url = None,
    key: Key = None,
) -> None:
    """Answer what a job of a server asks, or let a paused one go on. In a terminal, what is not given is asked.

    Exit codes: 0 it goes on, 2 refused or no server.
    """
    from penstock.commands.resume import resume as command
    from penstock.server import Server

    raise typer.Exit(command(Server(url, key), job_id, request_id, action_id, values or [], text))
