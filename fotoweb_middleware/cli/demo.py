"""``fotoweb-middleware demo``: the simulator (or your FotoWeb) and a wrapped gallery app."""

from __future__ import annotations

from typing import Annotated

import typer

from fotoweb_middleware.cli.output import write
from fotoweb_middleware.errors import SettingsError

__all__ = ["demo"]

_FROM_THE_EXTRA = {"jinja2", "markupsafe", "starlette", "uvicorn"}


def demo(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    wsgi: Annotated[bool, typer.Option("--wsgi", help="Wrap the app as WSGI instead of ASGI.")] = False,  # noqa: FBT002
) -> None:
    """Show the middleware at work: simulator and gallery, or your own FotoWeb where FOTOWEB_URL is set."""
    try:
        from fotoweb_middleware.demo import serve  # noqa: PLC0415 (its extra may not be installed)

        serve(host=host, port=port, wsgi=wsgi)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _FROM_THE_EXTRA:
            raise
        _give_up("The demo needs: pip install 'fotoweb-middleware[demo]'")
    except SettingsError as error:
        _give_up(str(error))
    except OSError as error:
        _give_up(f"The demo can't listen on {host}, port {port}: {error.strerror or type(error).__name__}.")


def _give_up(problem: str) -> None:
    write(problem, style="red", to_errors=True)
    raise typer.Exit(1)
