"""The KV cache on disk. store.py says what it guarantees; the files' layout is in ds4agent.wire.kv*."""
