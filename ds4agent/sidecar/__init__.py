"""The process that launches, guards and carries an engine. It imports no more than it needs."""
