"""A viewer that others built lists the archive's studies and draws a CT series.

DICOMHUB_OHIF_PICTURE=docs/screenshots/ohif.png keeps the picture.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from tests.clients import ohif
from tests.dicomweb.served import serving
from tests.support.ct_series import write_ct_series
from tests.support.node import NodePackageMissing, ohif_bundle
from tests.support.samples import sample

_INSTANCES = 12


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    """Of one CT image, turned a little from each instance to the next."""
    pixels = dcmread(sample("CT_small.dcm")).pixel_array
    paths = write_ct_series(
        tmp_path_factory.mktemp("ohif") / "CT", instances=_INSTANCES, patient_id="CT", rows=128
    )
    for number, path in enumerate(paths):
        data_set = dcmread(path)
        data_set.PatientName = "Phantom^Small"
        data_set.StudyDescription, data_set.SeriesDescription = "Spine", "Axial"
        data_set.PixelData = np.roll(pixels, number, axis=1).tobytes()
        data_set.save_as(path)
    return paths


def test_lists_studies_and_draws_a_ct_series(series, tmp_path):
    if ohif.chromium_is_missing():
        pytest.skip("there is no Chromium")
    try:
        bundle = ohif_bundle()
    except NodePackageMissing as error:
        pytest.skip(f"npm cannot fetch OHIF: {error}")
    study_instance_uid = dcmread(series[0], stop_before_pixels=True).StudyInstanceUID
    with (
        ohif.ohif_site(bundle) as site,
        serving(tmp_path / "home", *series, WEB_CORS_ORIGINS=ohif.site_url(site)) as server,
        ohif.browser() as browser,
    ):
        ohif.show(site, server.dicomweb)
        failed: list[str] = []
        page = browser.new_page(viewport=ohif.SIZE)
        page.on(
            "response",
            lambda answer: failed.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None,
        )
        ohif.open_study_list(page, ohif.site_url(site), patient_name="Phantom")
        ohif.open_study(page, ohif.site_url(site), study_instance_uid=study_instance_uid)
        if picture := os.environ.get("DICOMHUB_OHIF_PICTURE"):
            ohif.close_greetings(page)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=Path(picture))
    assert failed == []
