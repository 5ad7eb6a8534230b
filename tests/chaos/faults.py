"""Does the faults of a plan to a scene, and starts again what ended by itself, as a platform does."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from threading import Event, Lock
from typing import TypeAlias

import psycopg
import redis
from sqlalchemy import make_url

from tests.chaos.history import DiedAlone, FaultDone, History
from tests.chaos.plan import DATABASE, REDIS, FaultKind, PlannedFault
from tests.chaos.proxy import SwallowingProxy
from tests.chaos.scene import Scene, Services
from tests.deployments import Program

SWALLOW_EVERY = 0.3
"""Seconds between two replies that are lost while replies are swallowed."""
LOCK_PATIENCE = 20.0
LOOK_SECONDS = 0.3
REVIVALS = 20
"""How often a program that ends while it starts is started again, as after a database that is not back yet."""

Doing: TypeAlias = Callable[[Scene, PlannedFault], None]


class Faults:
    """One fault at a time for each target; those of different targets overlap."""

    def __init__(self, scene: Scene, history: History) -> None:
        self._scene = scene
        self._history = history
        self._locks = {target: Lock() for target in (*scene.programs, REDIS, DATABASE)}

    def do(self, fault: PlannedFault) -> None:
        """Does a fault and returns when what it hit stands again."""
        program = self._scene.programs.get(fault.target)
        with self._locks[fault.target]:
            group = program.group if program else None
            began_at = time.time()
            DOINGS[fault.kind](self._scene, fault)
            self._history.add(FaultDone(fault.kind, fault.target, began_at, time.time(), group))

    def watch_over(self, ended: Event) -> None:
        """Starts programs again that end though nobody ended them, until `ended`."""
        while not ended.wait(LOOK_SECONDS):
            for name, program in self._scene.programs.items():
                with self._free(name) as free:
                    if free and not program.is_running:
                        self._history.add(DiedAlone(time.time(), name))
                        program.kill()
                        revive(program)

    @contextmanager
    def _free(self, target: str) -> Iterator[bool]:
        """Whether no fault is done to a target; none is while the block lasts."""
        lock = self._locks[target]
        free = lock.acquire(blocking=False)
        try:
            yield free
        finally:
            if free:
                lock.release()


def revive(program: Program) -> None:
    """Starts a program that ended, again and again until it stays."""
    for _ in range(REVIVALS):
        program.start()
        try:
            program.await_ready()
        except AssertionError:
            program.kill()
        else:
            return
    raise AssertionError(f"{program.name} does not start any more:\n{program.log.read_text()}")


def _services(scene: Scene) -> Services:
    assert scene.services is not None, "the embedded set-up has no services"
    return scene.services


def _kill(scene: Scene, fault: PlannedFault) -> None:
    program = scene.programs[fault.target]
    program.kill()
    time.sleep(fault.seconds)
    revive(program)


def _deploy(scene: Scene, fault: PlannedFault) -> None:
    program = scene.programs[fault.target]
    program.stop()
    time.sleep(fault.seconds)
    revive(program)


def _freeze(scene: Scene, fault: PlannedFault) -> None:
    program = scene.programs[fault.target]
    program.freeze()
    time.sleep(fault.seconds)
    program.thaw()


def _bounce_redis(scene: Scene, fault: PlannedFault) -> None:
    server = _services(scene).redis
    server.kill()
    time.sleep(fault.seconds)
    server.start()


def _flush_redis(scene: Scene, fault: PlannedFault) -> None:
    with redis.Redis.from_url(_services(scene).redis.url) as connection:
        connection.flushall()


def _freeze_redis(scene: Scene, fault: PlannedFault) -> None:
    server = _services(scene).redis
    server.freeze()
    time.sleep(fault.seconds)
    server.thaw()


def _swallow_redis(scene: Scene, fault: PlannedFault) -> None:
    _swallow(_services(scene).redis_proxy, fault.seconds)


def _swallow_database(scene: Scene, fault: PlannedFault) -> None:
    _swallow(_services(scene).database_proxy, fault.seconds)


def _swallow(proxy: SwallowingProxy, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        proxy.arm()
        time.sleep(SWALLOW_EVERY)


def _bounce_database(scene: Scene, fault: PlannedFault) -> None:
    server = _services(scene).postgres
    server.kill()
    time.sleep(fault.seconds)
    server.start()


def _cut_database(scene: Scene, fault: PlannedFault) -> None:
    with psycopg.connect(_services(scene).database_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def _lock_jobs(scene: Scene, fault: PlannedFault) -> None:
    """Lets nobody write, and with PostgreSQL nobody read jobs either."""
    if scene.services is None:
        path = str(make_url(scene.database_url).database)
        with closing(sqlite3.connect(path, timeout=LOCK_PATIENCE, isolation_level=None)) as file:
            file.execute("BEGIN IMMEDIATE")
            time.sleep(fault.seconds)
            file.execute("ROLLBACK")
        return
    with psycopg.connect(scene.database_url) as connection:
        connection.execute("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
        time.sleep(fault.seconds)
        connection.rollback()


DOINGS: Mapping[FaultKind, Doing] = {
    FaultKind.KILL_WORKER: _kill,
    FaultKind.FREEZE_WORKER: _freeze,
    FaultKind.DEPLOY_WORKER: _deploy,
    FaultKind.KILL_WEB: _kill,
    FaultKind.DEPLOY_WEB: _deploy,
    FaultKind.BOUNCE_REDIS: _bounce_redis,
    FaultKind.FLUSH_REDIS: _flush_redis,
    FaultKind.FREEZE_REDIS: _freeze_redis,
    FaultKind.SWALLOW_REDIS: _swallow_redis,
    FaultKind.BOUNCE_DATABASE: _bounce_database,
    FaultKind.CUT_DATABASE: _cut_database,
    FaultKind.SWALLOW_DATABASE: _swallow_database,
    FaultKind.LOCK_JOBS: _lock_jobs,
}
