"""One process that makes libds4 a ds4-server."""
