"""What can be typed after `penstock components`. What a command needs is imported when it runs."""

from typing import Annotated

import typer

components_app = typer.Typer(help="What flows may be made of.", no_args_is_help=True)

TypeName = Annotated[str, typer.Argument(metavar="TYPE", help="A component type, as ChatInput.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


@components_app.command("list")
def list_components(as_json: AsJson = False) -> None:
    """List the component types: what they do to the world, how they are built, where they come from."""
    from penstock.commands.components import show_all

    show_all(as_json=as_json)


@components_app.command("show")
def show_component(type_name: TypeName, as_json: AsJson = False) -> None:
    """Show the fields and outputs of a component."""
    from penstock.commands.components import show

    raise typer.Exit(show(type_name, as_json=as_json))
