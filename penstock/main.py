"""The `penstock` command. What a command needs is imported when it runs, so that help comes at once."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from penstock.components_app import components_app
from penstock.console import REFUSED, complain
from penstock.remote_app import remote_app

app = typer.Typer(
    name="penstock",
    help="Runs Langflow flows as a durable service.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
flows_app = typer.Typer(help="Stored flows.", no_args_is_help=True)
app.add_typer(flows_app, name="flows")
inbox_app = typer.Typer(help="What people are asked: without a command, list it.", invoke_without_command=True)
app.add_typer(inbox_app, name="inbox")

app.add_typer(remote_app)
app.add_typer(components_app, name="components")
users_app = typer.Typer(help="Who may call.", no_args_is_help=True)
app.add_typer(users_app, name="users")
keys_app = typer.Typer(help="API keys.", no_args_is_help=True)
app.add_typer(keys_app, name="keys")
variables_app = typer.Typer(help="Stored variables: secrets that flows name.", no_args_is_help=True)
app.add_typer(variables_app, name="variables")

UserName = Annotated[str, typer.Argument(metavar="NAME", help="The name of a user.")]
OfUser = Annotated[str | None, typer.Option("--user", metavar="NAME", help="Whose; the local user's without it.")]
FlowFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A flow exported from Langflow.")]
FlowFiles = Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="Flows exported from Langflow.")]


@app.command()
def up() -> None:
    """Start the server with the example flows loaded; without REDIS_URL the workers are in it."""
    from penstock.commands.up import up as command

    command()


@app.command()
def run(
    file: FlowFile,
    text: Annotated[str, typer.Argument(help="The input of the run.")] = "",
    session: Annotated[str | None, typer.Option(help="The chat session; the flow's own without it.")] = None,
    globals: Annotated[
        list[str] | None, typer.Option("--global", metavar="NAME=VALUE", help="A variable of this run; repeatable.")
    ] = None,
) -> None:
    """Run a flow here, without a server, ask what it asks, and print its answer.

    Exit codes: 0 completed, 1 failed, 2 refused, 3 waits for a person who is not here, 130 stopped.
    """
    from penstock.commands.run import run as command

    raise typer.Exit(command(file, text, session, globals or []))


@flows_app.command("push")
def push_flows(files: FlowFiles) -> None:
    """Store exported flows; one that is stored already, by its id, is changed."""
    from penstock.commands.flows import push

    raise typer.Exit(push(files))


@flows_app.command("list")
def list_flows() -> None:
    """List the stored flows."""
    from penstock.commands.flows import show

    show()


@inbox_app.callback()
def list_requests(context: typer.Context) -> None:
    """List the open human requests, or answer one."""
    if context.invoked_subcommand is None:
        from penstock.commands.inbox import show

        show()


@inbox_app.command("answer")
def answer_request(
    request_id: Annotated[str | None, typer.Argument(help="The id of a request; asked for without it.")] = None,
    action_id: Annotated[str | None, typer.Argument(metavar="[ACTION]", help="One of its actions.")] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--value", metavar="NAME=VALUE", help="A field of its form, as JSON or as text; repeatable."),
    ] = None,
    text: Annotated[str, typer.Option(help="A free text, if one is asked for.")] = "",
) -> None:
    """Answer a human request. In a terminal, what is not given is asked."""
    from penstock.commands.inbox import answer_request as command

    raise typer.Exit(command(request_id, action_id, values or [], text))


@users_app.command("list")
def list_users() -> None:
    """List the users."""
    from penstock.commands.users import show

    show()


@users_app.command("create")
def create_user(
    name: UserName,
    superuser: Annotated[bool, typer.Option("--superuser", help="One who may do everything.")] = False,
    password: Annotated[bool, typer.Option("--password", help="Ask for a password to sign in with.")] = False,
) -> None:
    """Add a user, and print their id."""
    from penstock.commands.users import create

    raise typer.Exit(create(name, is_superuser=superuser, with_password=password))


@users_app.command("password")
def change_password(name: UserName) -> None:
    """Give a user another password. It is asked for, or read from standard input."""
    from penstock.commands.users import change_password as command

    raise typer.Exit(command(name))


@users_app.command("deactivate")
def deactivate_user(name: UserName) -> None:
    """Refuse a user from now on; what is theirs stays."""
    from penstock.commands.users import keep_out

    keep_out(name)


@users_app.command("activate")
def activate_user(name: UserName) -> None:
    """Let a user in again."""
    from penstock.commands.users import let_in

    let_in(name)


@keys_app.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="What it is for.")] = "cli",
    user: OfUser = None,
    days: Annotated[int | None, typer.Option(min=1, max=36_500, help="How long it is valid.")] = None,
) -> None:
    """Make an API key, and print it: it is shown this once."""
    from penstock.commands.keys import create

    create(name, user, days)


@keys_app.command("list")
def list_keys(
    user: Annotated[str | None, typer.Option("--user", metavar="NAME", help="Whose; everybody's without it.")] = None,
) -> None:
    """List the API keys by how they begin."""
    from penstock.commands.keys import show

    show(user)


@keys_app.command("revoke")
def revoke_key(
    key: Annotated[str, typer.Argument(metavar="ID_OR_PREFIX", help="Its id, or how it begins.")],
) -> None:
    """End an API key, at once and for good."""
    from penstock.commands.keys import revoke

    raise typer.Exit(revoke(key))


@variables_app.command("set")
def set_variable(name: Annotated[str, typer.Argument(help="Its name, as flows write it.")]) -> None:
    """Store a value under a name. It is asked for, or read from standard input."""
    from penstock.commands.variables import set_value

    raise typer.Exit(set_value(name))


@variables_app.command("list")
def list_variables() -> None:
    """List the names of the stored variables."""
    from penstock.commands.variables import show

    show()


@variables_app.command("delete")
def delete_variable(name: Annotated[str, typer.Argument(help="Its name.")]) -> None:
    """Delete a variable."""
    from penstock.commands.variables import forget

    raise typer.Exit(forget(name))


@app.command()
def rotate_secrets(
    forget_unreadable: Annotated[
        bool, typer.Option("--forget-unreadable", help="Give up what no key opens: variables, and all API keys.")
    ] = False,
) -> None:
    """Encrypt everything that is stored under the first secret key, so that the others may be taken away."""
    from penstock.commands.rotate_secrets import rotate_secrets as command

    raise typer.Exit(command(forget=forget_unreadable))


@app.command()
def audit(
    user: Annotated[str | None, typer.Option(help="Only of this user, by name or id.")] = None,
    action: Annotated[str | None, typer.Option(help="Only this action, as job_stopped.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only what was done to this id.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only from this moment on, in local time.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="As many entries at most.")] = 50,
) -> None:
    """List who did what to what, the newest first."""
    from penstock.commands.audit import show

    raise typer.Exit(show(user, action, subject, since, limit))


@app.command()
def migrate() -> None:
    """Bring the database to the newest revision and make the first user."""
    from penstock.commands.migrate import migrate as command

    command()


@app.command()
def doctor() -> None:
    """Check the settings and everything they name; say what is wrong and how to mend it."""
    from penstock.commands.doctor import doctor as command

    raise typer.Exit(command())


@app.command()
def secret_key() -> None:
    """Print a new value for PENSTOCK_SECRET_KEY."""
    from storage.secrets import new_key

    typer.echo(new_key())


def main() -> None:
    """Runs the command that was typed. What its user can mend is one line, not a traceback."""
    try:
        app()
    except Exception as error:
        if not isinstance(error, _expected()):
            raise
        complain(_told(error))
        sys.exit(REFUSED)


def _expected() -> tuple[type[Exception], ...]:
    """What its user can mend. Imported only when something was raised."""
    from sqlalchemy.exc import DBAPIError

    from flows.errors import FlowError
    from penstock.client.errors import PenstockError
    from settings import SettingsError
    from storage.errors import StorageError

    return SettingsError, StorageError, FlowError, PenstockError, DBAPIError, OSError


def _told(error: Exception) -> str:
    """The message; of a failed statement the database's own words, without the values that it was sent."""
    told = getattr(error, "orig", None)
    return str(error) if told is None else f"The database cannot be used: {told}"


if __name__ == "__main__":
    main()
