"""The scheduler, the kubelets and the coordinators of all lives of jobs, on an API server that has no nodes."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from llmtrain_api.names import API_VERSION, COORDINATOR_PORT
from llmtrain_api.protocol import JOB_HEADER
from support.control_plane import Administrator
from support.job_life import NODE, TIME, JobScript, Life

JOBS = f"/apis/{API_VERSION}/llmtrainingjobs"


class PlayedCluster:
    """The scheduler and the kubelets of all lives, and a server that answers for all coordinators."""

    def __init__(self, admin: Administrator, address: str) -> None:
        """Coordinators listen on `address` of the loopback interface."""
        self.admin, self.address = admin, address
        self.lives: dict[str, Life] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["PlayedCluster"]:
        """Play the cluster inside the context."""
        app = web.Application()
        app.router.add_put("/v1/workers", self.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, self.address, COORDINATOR_PORT).start()
        await self.admin.send("POST", "/api/v1/nodes", {"metadata": {"name": NODE}})
        ready = {"type": "Ready", "status": "True", "lastTransitionTime": TIME[:-5] + "Z"}
        await self.admin.merge(f"/api/v1/nodes/{NODE}/status", {"status": {"conditions": [ready]}})
        self.start(self.watch("/api/v1/pods", self.pod_changed))
        self.start(self.watch(JOBS, self.job_changed))
        try:
            yield self
        finally:
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)
            await runner.cleanup()

    def start(self, work: Any) -> asyncio.Task[None]:
        """Run something until the context ends."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def live(self, namespace: str, script: JobScript) -> Life:
        """Begin a life."""
        life = self.lives[namespace] = Life(self.admin, namespace, script, self.address)
        life.task = self.start(life.run())
        await life.create()
        return life

    def remove(self, namespace: str) -> None:
        """FinalState a life."""
        if (life := self.lives.pop(namespace, None)) is not None and life.task is not None:
            life.task.cancel()

    async def watch(self, path: str, handler: Callable[[str, Any], None]) -> None:
        """Pass all objects of a resource, and then their changes, to a handler."""
        listing = await self.admin.send("GET", path)
        for obj in listing["items"]:
            handler("ADDED", obj)
        version = listing["metadata"]["resourceVersion"]
        while True:
            query = {"watch": "true", "resourceVersion": version, "allowWatchBookmarks": "true"}
            try:
                async with self.admin.session.get(path, params=query) as response:
                    async for line in response.content:
                        event = json.loads(line)
                        version = event["object"]["metadata"]["resourceVersion"]
                        if event["type"] != "BOOKMARK":
                            handler(event["type"], event["object"])
            except aiohttp.ClientError:
                continue

    def pod_changed(self, change: str, pod: Any) -> None:
        """Pass a pod on to its life."""
        if (life := self.lives.get(pod["metadata"]["namespace"])) is None:
            return
        if change == "DELETED":
            life.pods.pop(pod["metadata"]["uid"], None)
        else:
            life.pods[pod["metadata"]["uid"]] = pod
        life.changed.set()

    def job_changed(self, change: str, job: Any) -> None:
        """Pass a job on to its life."""
        if (life := self.lives.get(job["metadata"]["namespace"])) is not None:
            life.job = None if change == "DELETED" else job
            life.changed.set()

    async def answer(self, request: web.Request) -> web.Response:
        """Answer for the coordinator of a job."""
        uid = request.headers.get(JOB_HEADER)
        for life in self.lives.values():
            if life.job is not None and life.job["metadata"]["uid"] == uid:
                return web.json_response(text=life.coordinator_status().model_dump_json(by_alias=True))
        return web.Response(status=404)
