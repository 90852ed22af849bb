"""Server caches: sealed bytes under keys, and leases. They know nothing of sessions."""
