"""dcmjs-dimse of npm as a peer: what it sends is taken, and kept as it was sent."""

import json
import subprocess

from dicomhub.standard.part10 import read_file_meta
from tests.scp.copies import archived, fresh_copy
from tests.scp.raw_peer import data_set_of
from tests.support.node import node_command

# Native and compressed, each in a transfer syntax in which dcmjs-dimse sends it untouched.
SAMPLES = (
    "CT_small.dcm",
    "emri_small.dcm",
    "reportsi.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_RLE.dcm",
    "JPEG2000.dcm",
)


def statuses(scp, *paths):
    command = node_command("dimse_sender.js", scp.host, str(scp.port), "DICOMHUB", *map(str, paths))
    done = subprocess.run(command, check=False, timeout=300, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def transfer_syntax_of(path):
    return read_file_meta(path.read_bytes()).transfer_syntax_uid


def test_dcmjs_dimse_echoes_and_stores_and_it_is_kept_bit_for_bit(node_modules, scp, tmp_path):
    paths = [fresh_copy(name, tmp_path) for name in SAMPLES]
    assert statuses(scp, *paths) == [0] * (1 + len(paths))
    kept = {file.stem: file for file in scp.archived()}
    for path in paths:
        assert archived(scp, path) == data_set_of(path)
        assert transfer_syntax_of(kept[path.stem]) == transfer_syntax_of(path)
