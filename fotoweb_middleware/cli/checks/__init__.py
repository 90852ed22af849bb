"""What ``fotoweb-middleware check`` looks at. Every check is a plain function that returns findings.

finding         what a check says
configuration   the settings
network         one request, and what can go wrong on the way
authorize       the authorize endpoint
token           the token endpoint
skew            the clocks
cache           the server cache
everything      all of them, in order
"""

from fotoweb_middleware.cli.checks.everything import check_everything
from fotoweb_middleware.cli.checks.finding import Finding, Level

__all__ = ["Finding", "Level", "check_everything"]
