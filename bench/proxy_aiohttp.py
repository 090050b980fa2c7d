"""A pass-through made by hand on aiohttp, as one would write it: `python bench/proxy_aiohttp.py TARGET_PORT`.

Needs aiohttp, which is no dependency of the program. Prints its port.
"""

from __future__ import annotations

import asyncio
import sys

from aiohttp import ClientSession, TCPConnector, web

HOP = {"connection", "transfer-encoding", "keep-alive", "content-length"}


class Proxy:
    def __init__(self, target: int) -> None:
        self._target = f"http://127.0.0.1:{target}"
        self._session = ClientSession(
            auto_decompress=False, connector=TCPConnector(limit=0, force_close=True)
        )

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = request.content if request.can_read_body else None
        headers = {"Content-Length": request.headers["Content-Length"]} if body is not None else {}
        url = self._target + request.raw_path
        async with self._session.request(request.method, url, data=body, headers=headers) as upstream:
            kept = [(name, value) for name, value in upstream.headers.items() if name.lower() not in HOP]
            response = web.StreamResponse(status=upstream.status)
            response.headers.extend(kept)
            response.force_close()
            await response.prepare(request)
            async for data in upstream.content.iter_any():
                await response.write(data)
            return response


async def _main() -> None:
    app = web.Application(client_max_size=1 << 30, handler_args={"handler_cancellation": True})
    app.router.add_route("*", "/{path:.*}", Proxy(int(sys.argv[1])).handle)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())
