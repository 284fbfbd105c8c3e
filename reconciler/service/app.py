"""The ASGI application: the vendor's addresses in front of a `Service`."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from reconciler.errors import TdrError
from reconciler.service.answers import ApiError
from reconciler.service.requests import RawPaths
from reconciler.service.routes import (
    account,
    audiences,
    bulk_imports,
    catalog,
    connections,
    entities,
    jobs,
    journeys,
    loads,
    queries,
    rows,
    statements,
    syndications,
    workflows,
)
from reconciler.service.routing import on_api_error, on_http_exception, on_tdr_error
from reconciler.service.service import Service


def create_app(service: Service) -> Starlette:
    """The application for *service*, which its maker opens and closes."""
    app = Starlette(
        routes=[
            *account.ROUTES,
            *catalog.ROUTES,
            *queries.ROUTES,
            *connections.ROUTES,
            *jobs.ROUTES,
            *statements.ROUTES,
            *loads.ROUTES,
            *rows.ROUTES,
            *bulk_imports.ROUTES,
            *audiences.ROUTES,
            *entities.ROUTES,
            *syndications.ROUTES,
            *journeys.ROUTES,
            *workflows.ROUTES,
        ],
        middleware=[Middleware(RawPaths)],
        exception_handlers={ApiError: on_api_error, HTTPException: on_http_exception, TdrError: on_tdr_error},
    )
    app.router.redirect_slashes = False
    app.state.service = service
    return app
