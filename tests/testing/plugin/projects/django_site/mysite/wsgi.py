"""The project for a WSGI server."""

from django.core.wsgi import get_wsgi_application

from fotoweb_middleware import FotoWebWSGIMiddleware

application = FotoWebWSGIMiddleware(get_wsgi_application())
