"""Conversations about code: kept on disk, streamed to the client, their blocks put into documents."""
