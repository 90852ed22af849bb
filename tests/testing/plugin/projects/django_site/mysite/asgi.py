"""The project for an ASGI server."""

from django.core.asgi import get_asgi_application

from fotoweb_middleware import FotoWebASGIMiddleware

application = FotoWebASGIMiddleware(get_asgi_application())
