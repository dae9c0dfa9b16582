"""A headless Chromium on one page of a folder that is served on loopback; the page tells lines back by
POST, until it tells `done`.
"""

import functools
import http.server
import os
import queue
import shutil
import threading
import time

from checks import Failure, Skip
from processes import Process


class Handler(http.server.SimpleHTTPRequestHandler):
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map,
                      ".mjs": "text/javascript", ".js": "text/javascript"}

    def do_POST(self):
        line = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.told.put(line)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Pages:
    """The server of a folder; `origin` is what a browser calls it."""

    def __init__(self, folder):
        handler = functools.partial(Handler, directory=folder)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.told = self.told = queue.Queue()
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def lines(self, browser, seconds):
        """Each line that the page tells, until it is done."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = self.told.get(timeout=0.2)
            except queue.Empty:
                if not browser.alive():
                    raise Failure(f"the browser ended: {browser.tail(5)}") from None
                if time.monotonic() > deadline:
                    raise Failure(f"the page was not done within {seconds} s") from None
                continue
            if line == "done":
                return
            yield line

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def chromium(scene, url):
    """A browser that shows `url`, with a profile of its own in the scene's folder."""
    program = shutil.which("chromium")
    if not program:
        raise Skip("chromium is not installed")
    # Root has no sandbox; a container's /dev/shm is small; nothing but the page is asked for.
    return scene.own(Process("chromium", [
        program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--no-first-run", "--disable-extensions", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--mute-audio",
        f"--user-data-dir={os.path.join(scene.folder, 'profile')}", url], scene.folder))
