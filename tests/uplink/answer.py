"""A program: an upstream that is healthy. Prints a line when it answers for the first time."""

import sys

from aiohttp import web


async def healthy(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def started(_: web.Application) -> None:
    print("started", flush=True)


if __name__ == "__main__":
    app = web.Application()
    app.add_routes([web.get("/healthz", healthy)])
    app.on_startup.append(started)
    web.run_app(app, host=sys.argv[1], port=int(sys.argv[2]), print=None)
