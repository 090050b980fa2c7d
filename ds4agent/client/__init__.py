"""The client side of an engine: find or start one, ask it, stop asking it."""
