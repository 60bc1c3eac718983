"""The compiled half of the express lane, built, found, missing, and switched off."""

import subprocess
import sys

import pytest

from scp.express.build import build, compilers
from scp.express.library import Library, LibraryUnusable, library_path
from tests.scp.copies import archived
from tests.scp.raw_peer import data_set_of
from tests.support.ct_series import write_ct_series
from tests.support.scp_process import ROOT
from tests.support.sending import send
from tests.support.waiting import wait_until


def test_every_compiler_that_is_there_builds_it_without_a_warning(tmp_path):
    found = list(compilers())
    if not found:
        pytest.skip("no C compiler is there, and no ziglang package")
    for number, compiler in enumerate(found):
        path = tmp_path / f"{number}.so"
        assert build(compiler, path) == ""
        assert Library(path).run is not None
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{n}.so" for n in range(len(found))]


def test_what_does_not_compile_leaves_nothing(tmp_path):
    with pytest.raises(subprocess.CalledProcessError):
        build([sys.executable, "-c", "raise SystemExit(1)"], tmp_path / "it.so")
    assert list(tmp_path.iterdir()) == []


def test_a_library_that_is_not_there_or_no_library_is_unusable(tmp_path):
    (tmp_path / "text.so").write_text("no library")
    for name in ("missing.so", "text.so"):
        with pytest.raises(LibraryUnusable):
            Library(tmp_path / name)


def test_building_again_has_nothing_to_do():
    if not library_path().exists():
        pytest.skip("the express lane is not built (make express)")
    before = library_path().stat().st_mtime_ns
    subprocess.run([sys.executable, "-m", "scp.express.build"], cwd=ROOT, check=True, timeout=300)
    assert library_path().stat().st_mtime_ns == before


@pytest.mark.parametrize("switch", ["on", "off"])
def test_it_can_be_switched_off(start_scp, tmp_path, switch):
    if not library_path().exists():
        pytest.skip("the express lane is not built (make express)")
    paths = write_ct_series(tmp_path / "ct", instances=6, patient_id="EXPRESS", rows=64)
    scp = start_scp(SCP_EXPRESS_LANE=switch)
    assert [sent.status for sent in send(scp.port, paths)] == [0] * 6
    assert [archived(scp, path) for path in paths] == [data_set_of(path) for path in paths]
    line = wait_until(
        lambda: next((line for line in scp.log().splitlines() if "] association " in line), None),
        what="the association is over",
    )
    assert f" express={4 if switch == 'on' else 0} " in line
