"""Take the pictures of docs/screenshots anew: python -m tests.screenshots [FOLDER].

Runs the whole stack in a temporary home, imports pydicom's sample files, and photographs the admin in a real
browser: /usr/bin/chromium, or the one that CHROMIUM names.
"""

import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

import pydicom
from playwright.sync_api import Page, sync_playwright

from dicomhub.embedded.running import running_stack
from dicomhub.environment import read_environment
from tasks.warehouse.open import open_warehouse
from tests.support.archive_history import fill_history
from tests.support.compressed_series import write_compressed_series
from tests.support.samples import sample_files
from tests.support.waiting import wait_until
from tests.transcode import bad_decoders

ROOT = Path(__file__).parents[1]
SIZE = {"width": 1600, "height": 940}
TALL = {"width": 1600, "height": 1900}
SERIES_COLUMN = 6
TROUBLE = (
    ("Acme Imaging", bad_decoders.HANG),
    ("Acme Imaging", bad_decoders.ABORT),
    ("Initech", bad_decoders.EAT),
    ("Initech", None),
)
SETTINGS = {
    "LOG_LEVEL": "WARNING",
    "CODEC_MODULES": bad_decoders.__name__,
    "CODEC_SECONDS": "3",
    "CODEC_MEMORY_BYTES": str(512 * 1024**2),
}
# So that there is something to transcode: viewers of the default tenant that decode native pixels alone.
POLICY = """
from dicomhub.standard.transfer_syntax import TRANSFER_SYNTAXES
from dicomhub.transcoding.models import TranscodePolicy
native = [uid for uid, syntax in TRANSFER_SYNTAXES.items() if not syntax.is_encapsulated]
TranscodePolicy.objects.create(tenant_id="default", viewer_transfer_syntaxes=native)
"""


def import_samples(home: Path) -> None:
    """All but those whose letters the browser of a bare machine has no font for."""
    files = [str(path) for path in sample_files() if path.parent.name != "charset_files"]
    manage(home, "import_dicom", *files, may_refuse=True)


def import_trouble(home: Path) -> None:
    """Instances that no decoder reads, and some over which one of the decoders hangs or crashes."""
    for number, (manufacturer, deed) in enumerate(TROUBLE):
        folder = home / f"trouble-{number}"
        for path in write_compressed_series(folder, instances=3):
            data_set = pydicom.dcmread(path)
            data_set.Manufacturer = manufacturer
            if deed:
                bad_decoders.burden(data_set, deed)
            else:
                data_set.PixelData = data_set.PixelData[:40] + bytes(len(data_set.PixelData) - 40)
            data_set.save_as(path)
        manage(home, "import_dicom", str(folder))


def manage(home: Path, *arguments: str, may_refuse: bool = False, **environ: str) -> None:
    command = [sys.executable, "manage.py", *arguments]
    environment = {**os.environ, "DICOMHUB_HOME": str(home), **environ}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode and not may_refuse:  # some of pydicom's files are no storable DICOM on purpose
        sys.exit(done.stderr)


def sign_in(page: Page, web_url: str, password: str) -> None:
    page.goto(f"{web_url}/admin/")
    page.fill("input[name=username]", "photographer")
    page.fill("input[name=password]", password)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{web_url}/admin/")


def all_batches_are_done(page: Page, web_url: str) -> bool:
    page.goto(f"{web_url}/admin/archive/batch/")
    states = page.locator("td.field-state_label").all_inner_texts()
    return bool(states) and {state.strip().lower() for state in states} == {"done"}


def photograph_dashboard(page: Page, web_url: str, home: Path, folder: Path) -> None:
    """With a history that is made up: sample files alone were all received today."""
    fill_history(open_warehouse(read_environment({"DICOMHUB_HOME": str(home)}).warehouse))
    page.set_viewport_size(TALL)
    page.goto(f"{web_url}/admin/dashboard/?days=90")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=folder / "dashboard.png")


def photograph(page: Page, web_url: str, folder: Path) -> None:
    page.goto(f"{web_url}/admin/archive/study/")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=folder / "admin-studies.png")
    page.goto(f"{web_url}/admin/archive/study/?o=-{SERIES_COLUMN}")  # the one with most series first
    page.locator("#result_list tbody a").first.click()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=folder / "admin-study.png")
    page.goto(f"{web_url}/admin/pipeline/transcoding/")
    page.evaluate("document.fonts.ready")
    page.screenshot(path=folder / "admin-transcoding.png", full_page=True)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    password = secrets.token_urlsafe(12)
    with (
        tempfile.TemporaryDirectory(prefix="dicomhub-screenshots-") as home,
        running_stack(Path(home), settings=SETTINGS) as (_, state),
        sync_playwright() as playwright,
    ):
        manage(
            Path(home),
            "createsuperuser",
            "--noinput",
            "--username=photographer",
            "--email=",
            DJANGO_SUPERUSER_PASSWORD=password,
        )
        manage(Path(home), "shell", "--command", POLICY)
        import_samples(Path(home))
        import_trouble(Path(home))
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport=SIZE)
        web_url = state.addresses.web_url
        sign_in(page, web_url, password)
        wait_until(lambda: all_batches_are_done(page, web_url), what="all batches are done", seconds=120)
        photograph(page, web_url, folder)
        photograph_dashboard(page, web_url, Path(home), folder)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "screenshots")
