"""Bytes <-> values: no I/O, no clock, no asyncio."""
