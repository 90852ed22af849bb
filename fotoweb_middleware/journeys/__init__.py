"""The ways off the road: login, callback, logout, and the session's status."""
