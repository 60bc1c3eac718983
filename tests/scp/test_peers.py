"""DCMTK's programs with their options: whatever they propose is taken, and kept as it was sent."""

import subprocess

import pytest
from pydicom import dcmread
from pydicom.uid import UID

from dicomhub.standard.part10 import read_file_meta
from tests.scp.copies import archived, fresh_copy
from tests.scp.raw_peer import data_set_of
from tests.support.waiting import wait_until

JPEG = "1.2.840.10008.1.2.4."
# What storescu proposes, by its option, and a transfer syntax in which it then sends a file untouched.
NATIVE = {
    "-x=": "CT_small.dcm",
    "-xe": "CT_small.dcm",
    "-xb": "MR_small_bigendian.dcm",
    "-xi": "MR_small_implicit.dcm",
    "-xd": "image_dfl.dcm",
}
COMPRESSED = {
    "-xs": JPEG + "70",
    "-xy": JPEG + "50",
    "-xx": JPEG + "51",
    "-xv": JPEG + "90",
    "-xw": JPEG + "91",
    "-xt": JPEG + "80",
    "-xu": JPEG + "81",
    "-xm": JPEG + "100",
    "-xh": JPEG + "101",
    "-xn": JPEG + "102",
    "-xl": JPEG + "103",
    "-x2": JPEG + "104",
    "-x3": JPEG + "105",
    "-xo": JPEG + "106",
    "-x4": JPEG + "107",
    "-x5": JPEG + "108",
    "-xr": "1.2.840.10008.1.2.5",
}


# A profile by asconfig.txt of DCMTK: contexts of one SOP class apart and together, roles, extended negotiation.
PROFILE = r"""
[[TransferSyntaxes]]
[Compressed]
TransferSyntax1 = RLELossless
TransferSyntax2 = JPEG2000LosslessOnly
[Native]
TransferSyntax1 = BigEndianExplicit
TransferSyntax2 = LittleEndianImplicit
TransferSyntax3 = LittleEndianExplicit
[[PresentationContexts]]
[MRAndVerification]
PresentationContext1 = MRImageStorage\Compressed
PresentationContext2 = MRImageStorage\Native
PresentationContext3 = VerificationSOPClass\Native
[[SCPSCURoleSelection]]
[Both]
Role1 = MRImageStorage\BOTH
[[ExtendedNegotiation]]
[Level2]
ExtendedNegotiation1 = MRImageStorage\020003000000
[[Profiles]]
[Plain]
PresentationContexts = MRAndVerification
[WithRoles]
PresentationContexts = MRAndVerification
SCPSCURoleSelection = Both
[WithExtendedNegotiation]
PresentationContexts = MRAndVerification
ExtendedNegotiation = Level2
"""


def run(program, scp, *arguments, options=(), status=0):
    done = subprocess.run(
        [program, *options, scp.host, str(scp.port), *map(str, arguments)],
        check=False,
        timeout=300,
        capture_output=True,
        text=True,
    )
    assert (done.returncode == 0) == (status == 0), done.stderr
    return done.stdout + done.stderr


def syntax_of_archived(scp, path):
    file = next(file for file in scp.archived() if file.stem == path.stem)
    return read_file_meta(file.read_bytes()).transfer_syntax_uid


def compressed_copy(tmp_path, transfer_syntax):
    """Fragments that say that they are of this transfer syntax: nobody on the way looks into them."""
    path = fresh_copy("MR_small_RLE.dcm", tmp_path)
    data_set = dcmread(path)
    data_set.file_meta.TransferSyntaxUID = UID(transfer_syntax)
    data_set.save_as(path)
    return path


def line_of_calling(scp, title):
    """The log line of the association with this calling AE title."""
    return wait_until(
        lambda: next(
            (
                line
                for line in scp.log().splitlines()
                if f"calling_ae_title={title} " in line and "outcome=" in line
            ),
            None,
        ),
        what=f"the line of {title}",
    )


@pytest.mark.parametrize("option", NATIVE)
def test_storescu_proposes_native_transfer_syntaxes(scp, tmp_path, option):
    path = fresh_copy(NATIVE[option], tmp_path)
    run("storescu", scp, path, options=[option])
    assert archived(scp, path) is not None
    if option != "-xd":  # which storescu deflates anew
        assert archived(scp, path) == data_set_of(path)
    assert syntax_of_archived(scp, path) == dcmread(path).file_meta.TransferSyntaxUID


@pytest.mark.parametrize("option", COMPRESSED)
def test_storescu_proposes_compressed_transfer_syntaxes(scp, tmp_path, option):
    path = compressed_copy(tmp_path, COMPRESSED[option])
    run("storescu", scp, path, options=[option])
    assert archived(scp, path) == data_set_of(path)
    assert syntax_of_archived(scp, path) == COMPRESSED[option]


@pytest.mark.parametrize("option", ["-x=", "-xe", "-xb", "-xi"])
def test_storescu_combines_transfer_syntaxes_in_one_context(scp, tmp_path, option):
    path = fresh_copy("CT_small.dcm", tmp_path)
    run("storescu", scp, path, options=[option, "+C"])
    kept = dcmread(next(file for file in scp.archived() if file.stem == path.stem))
    assert kept.PixelData == dcmread(path).PixelData
    # Explicit VR little endian when it is among several: the web may not carry the others.
    assert kept.file_meta.TransferSyntaxUID.is_implicit_VR is (option == "-xi")


@pytest.mark.parametrize(
    "options",
    [
        ["-R"],
        ["-u"],
        ["-pdu", "4096"],
        ["-pdu", "131072"],
        ["--max-send-pdu", "4096"],
        ["--max-send-pdu", "131072"],
        ["-usr", "someone"],
        ["-usr", "someone", "-rsp"],
        ["-usr", "someone", "-pwd", "secret", "-rsp"],
        ["-usr", "someone", "-epw", "-rsp"],
        ["-aec", "ANOTHER NAME"],
    ],
    ids=" ".join,
)
def test_storescu_with_other_options(scp, tmp_path, options):
    path = fresh_copy("CT_small.dcm", tmp_path)
    run("storescu", scp, path, options=options)
    assert archived(scp, path) == data_set_of(path)


@pytest.mark.parametrize(
    ("profile", "told"),
    [
        ("Plain", "Accepted Extended Negotiation:  none"),
        ("WithRoles", "Accepted SCP/SCU Role: SCU\n"),  # of both that were proposed
        ("WithExtendedNegotiation", "Accepted Extended Negotiation:\n"),
    ],
)
def test_storescu_proposes_what_its_configuration_file_says(scp, tmp_path, profile, told):
    paths = [fresh_copy(name, tmp_path) for name in ("MR_small_RLE.dcm", "MR_small.dcm")]
    configuration = tmp_path / "storescu.cfg"
    configuration.write_text(PROFILE, "ascii")
    said = run("storescu", scp, *paths, options=["-d", "-xf", str(configuration), profile])
    [_, answer] = said.split("BEGIN A-ASSOCIATE-AC")
    assert answer.count("(Accepted)") == 3
    assert told in answer
    assert [archived(scp, path) for path in paths] == [data_set_of(path) for path in paths]


@pytest.mark.parametrize("option", ["-kt", "--saml", "--jwt"])
def test_storescu_proposes_an_identity_from_a_file(scp, tmp_path, option):
    path, token = fresh_copy("CT_small.dcm", tmp_path), tmp_path / "token"
    token.write_bytes(b"who I am" * 500)
    run("storescu", scp, path, options=[option, str(token)])
    assert archived(scp, path) == data_set_of(path)


def test_storescu_repeats_and_the_same_instance_is_archived_once(scp, tmp_path):
    path = fresh_copy("CT_small.dcm", tmp_path)
    run("storescu", scp, path, options=["--repeat", "5", "-aet", "REPEATING"])
    assert "instances=5" in line_of_calling(scp, "REPEATING")
    assert archived(scp, path) == data_set_of(path)


def test_storescu_aborts_and_what_it_was_told_is_kept_stays(scp, tmp_path):
    path = fresh_copy("CT_small.dcm", tmp_path)
    run("storescu", scp, path, options=["--abort", "-aet", "ABORTING"])
    line = line_of_calling(scp, "ABORTING")
    assert "outcome='aborted by peer'" in line
    assert "instances=1" in line
    assert archived(scp, path) == data_set_of(path)


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--repeat", "20"],
        ["--abort"],
        ["-pts", "38"],
        ["-ppc", "128"],
        ["-ppc", "128", "-pts", "38"],
        ["-pdu", "4096"],
    ],
    ids=" ".join,
)
def test_echoscu(scp, options):
    run("echoscu", scp, options=options)


@pytest.mark.parametrize(
    "options",
    [["+ma"], ["-ma"], ["-pdu", "4096"], ["--max-send-pdu", "4096"], ["-dn"], ["-nip"], ["+dly"]],
    ids=" ".join,
)
def test_dcmsend_sends_what_is_of_several_kinds(scp, tmp_path, options):
    paths = [
        fresh_copy(name, tmp_path) for name in ("CT_small.dcm", "MR_small_RLE.dcm", "MR_small_implicit.dcm")
    ]
    run("dcmsend", scp, *paths, options=options)
    kept = [archived(scp, path) for path in paths]
    assert kept[0] == data_set_of(paths[0])
    assert None not in kept
    # The one in implicit VR is sent in explicit VR, which both sides like better.
    assert kept[1] == data_set_of(paths[1]) or "-dn" not in options


@pytest.mark.parametrize("program", ["findscu", "movescu", "getscu"])
def test_who_asks_for_a_query_service_is_told_that_there_is_none(scp, program):
    title = f"ASKING {program}".upper()
    said = run(
        program,
        scp,
        options=["-S", "-aet", title, "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=1.2.3"],
        status=1,
    )
    assert "presentation context" in said.lower()
    assert "contexts_proposed=" in line_of_calling(scp, f"'{title}'")
