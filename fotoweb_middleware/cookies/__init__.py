"""Bytes on the browser: reading, writing, splitting, signing and sealing cookies. Pure."""
