"""OHIF's built viewer, served beside an archive, in a real browser."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
SIZE = {"width": 1400, "height": 860}
# Cornerstone3D draws with WebGL; without a graphics card Chromium does that on the processor.
_SOFTWARE_GL = ("--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
_WAIT_MS = 120_000


class _Site(SimpleHTTPRequestHandler):
    """Files of the bundle; every other path is the application's own, and gets its one page."""

    configuration: str

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/app-config.js":
            self._answer(self.configuration.encode(), "text/javascript")
        elif not Path(self.translate_path(path)).is_file():
            self.path = "/index.html"
            super().do_GET()
        else:
            super().do_GET()

    def _answer(self, body: bytes, content_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def ohif_site(bundle: Path) -> Iterator[ThreadingHTTPServer]:
    """The viewer of these files on a free port of loopback; show() says of whose images it is."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Site, directory=str(bundle)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def show(server: ThreadingHTTPServer, dicomweb: str) -> None:
    """Point the viewer at the root of a DICOMweb service."""
    root = dict.fromkeys(("wadoUriRoot", "qidoRoot", "wadoRoot"), dicomweb)
    source = {
        "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
        "sourceName": "dicomhub",
        "configuration": {
            **root,
            "friendlyName": "dicomhub",
            "qidoSupportsIncludeField": True,
            "imageRendering": "wadors",
            "thumbnailRendering": "wadors",
            "enableStudyLazyLoad": True,
            "supportsFuzzyMatching": True,
            "supportsWildcard": True,
            "bulkDataURI": {"enabled": True},
        },
    }
    configuration = {
        "routerBasename": "/",
        "extensions": [],
        "modes": [],
        "showStudyList": True,
        "dataSources": [source],
        "defaultDataSourceName": "dicomhub",
    }
    _Site.configuration = f"window.config = {json.dumps(configuration)};"


def site_url(server: ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def chromium_is_missing() -> bool:
    return not Path(CHROMIUM).exists()


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_SOFTWARE_GL))
        try:
            yield opened
        finally:
            opened.close()


def close_greetings(page: Page) -> None:
    """What the viewer shows to those who see it for the first time, one thing in front of the other."""
    for name in ("Skip all", "Confirm and hide"):
        greeting = page.get_by_text(name, exact=True)
        if greeting.count():
            # A mouse would meet whatever lies in front of it just then.
            greeting.first.dispatch_event("click")


def open_study_list(page: Page, url: str, *, patient_name: str) -> None:
    page.goto(url)
    page.get_by_text(patient_name).first.wait_for(timeout=_WAIT_MS)


def open_study(page: Page, url: str, *, study_instance_uid: str) -> None:
    """Until the first image is drawn: not one colour all over."""
    page.goto(f"{url}/viewer?StudyInstanceUIDs={study_instance_uid}")
    page.locator("canvas.cornerstone-canvas").first.wait_for(timeout=_WAIT_MS)
    page.wait_for_function(_IS_DRAWN, timeout=_WAIT_MS)


_IS_DRAWN = """() => [...document.querySelectorAll('canvas.cornerstone-canvas')].some(canvas => {
    const context = canvas.getContext('2d');
    if (!context || !canvas.width) return false;
    const side = Math.min(canvas.width, canvas.height, 200);
    const {data} = context.getImageData((canvas.width - side) / 2, (canvas.height - side) / 2, side, side);
    const greys = new Set();
    for (let at = 0; at < data.length; at += 4) greys.add(data[at]);
    return greys.size > 16;
})"""
