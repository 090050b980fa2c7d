"""Edits that a model proposes: which lines it is asked about, what it answered, and the edit that is made of
it.
"""
