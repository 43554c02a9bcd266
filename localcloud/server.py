"""The embedded cloud's own process: the emulator, our layer over it, and our threads.

Started by :class:`localcloud.emulator.Emulator`, which prepares its environment; ends when its standard input closes.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import shutil
import signal
import socket
import sys
from pathlib import Path

from hypercorn.asyncio import serve
from hypercorn.config import Config

from localcloud import emulator_patches

# Requests still running when the server is told to stop get this long before their connections close.
GRACE_SECONDS = 0.3

logger = logging.getLogger("localcloud")


async def _run(listener: socket.socket) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, stop.set)
    loop.add_reader(sys.stdin.fileno(), stop.set)
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = GRACE_SECONDS
    await serve(emulator_patches.application(), config, shutdown_trigger=stop.wait)


def main() -> None:
    """Serve until told to stop, then leave no process and, if asked, no directory behind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listener", type=int, required=True, help="file descriptor of a bound socket")
    parser.add_argument("--directory", type=Path, required=True, help="where the journal, log and state live")
    parser.add_argument("--remove-directory", action="store_true", help="remove the directory at the end")
    arguments = parser.parse_args()

    emulator_patches.install(arguments.directory)
    listener = socket.socket(fileno=arguments.listener)
    failed = True
    try:
        asyncio.run(_run(listener))
        failed = False
    finally:
        emulator_patches.stop_workers()
        shutil.rmtree(arguments.directory if arguments.remove_directory else arguments.directory / "tmp", True)
        if not failed:
            # Threads that still wait for an answer would keep the process; nothing they hold outlives it.
            os._exit(0)


if __name__ == "__main__":
    main()
