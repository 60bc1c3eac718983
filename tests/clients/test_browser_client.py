"""Every method of the npm package dicomweb-client, in a real browser, across origins."""

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread

import pytest
from pydicom import dcmread
from pydicom.filereader import _read_file_meta_info, read_preamble

from tests.clients.ohif import browser, chromium_is_missing
from tests.dicomweb.served import serving
from tests.support.studies_to_serve import ct_study

_SCRIPT = Path(__file__).with_name("browser_client.js")
_JPEG = "ffd8ff"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def site(node_modules):
    """The package's own files, on another origin than the archive."""
    folder = str(node_modules / "dicomweb-client" / "build")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=folder))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def called(site, tmp_path_factory):
    """What each method gave, what there is to call, and the first file."""
    if chromium_is_missing():
        pytest.skip("there is no Chromium")
    study = ct_study(tmp_path_factory.mktemp("client") / "BROWSER", instances=2, rows=64)
    first = dcmread(study.files[0])
    with (
        serving(tmp_path_factory.mktemp("served"), *study.files, WEB_CORS_ORIGINS=site) as server,
        browser() as opened,
    ):
        page = opened.new_page()
        page.goto(f"{site}/")
        page.add_script_tag(url=f"{site}/dicomweb-client.js")
        called = page.evaluate(
            _SCRIPT.read_text("utf-8"),
            {
                "url": server.dicomweb,
                "study": first.StudyInstanceUID,
                "series": first.SeriesInstanceUID,
                "instance": first.SOPInstanceUID,
                "file": study.files[0].read_bytes().hex(),
            },
        )
    return called["found"], set(called["has"]), [path.read_bytes() for path in study.files]


def test_every_method_gives_what_was_stored(called):
    found, has, files = called
    heads = [dcmread(path_bytes) for path_bytes in map(BytesIO, files)]
    uids = sorted(head.SOPInstanceUID for head in heads)
    pixels = heads[0].PixelData.hex()
    stored = sorted(content.hex() for content in files)
    assert set(found) == has
    pictures = {name for name in has if name.endswith(("Rendered", "Thumbnail"))}
    assert {name: found[name][:6] for name in pictures} == dict.fromkeys(pictures, _JPEG)
    for several in ("retrieveStudy", "retrieveSeries"):
        found[several] = sorted(map(_data_set, found[several]))
    assert {name: value for name, value in found.items() if name not in pictures} == {
        "searchForStudies": 1,
        "searchForSeries": 1,
        "searchForInstances": uids,
        "retrieveStudyMetadata": uids,
        "retrieveSeriesMetadata": uids,
        "retrieveInstanceMetadata": [heads[0].SOPInstanceUID],
        "retrieveStudy": sorted(map(_data_set, stored)),
        "retrieveSeries": sorted(map(_data_set, stored)),
        "retrieveInstance": found["buildInstanceWadoURIUrl"],
        "retrieveInstanceFrames": [pixels],
        "retrieveBulkData": [pixels],
        "buildInstanceWadoURIUrl": found["retrieveInstance"],
        "storeInstances": 1,
    }
    assert _data_set(found["retrieveInstance"]) == _data_set(files[0].hex())


def _data_set(part_10: str) -> bytes:
    """What stands behind the File Meta Information, which is the archive's own."""
    file = BytesIO(bytes.fromhex(part_10))
    read_preamble(file, force=False)
    _read_file_meta_info(file)
    return file.read()
