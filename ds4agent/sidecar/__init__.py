"""The process that keeps an engine: which models there are, what it was started with, how it is."""
