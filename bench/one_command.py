"""The smallest typer program: what `tdr --help` is compared to."""

from __future__ import annotations

import typer

app = typer.Typer(add_completion=False)


@app.command()
def greet(name: str = "world") -> None:
    """Say hello."""
    typer.echo(f"hello {name}")


if __name__ == "__main__":
    app()
