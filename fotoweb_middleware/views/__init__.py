"""The middleware's own pages: login, callback, logout, status; and the answers to requests that may not pass."""
