"""The process beside a big model: launches and guards the engine, and carries every request to it."""
