"""Carry effects out: with threads (``blocking``), or on asyncio and trio (``awaiting``)."""
