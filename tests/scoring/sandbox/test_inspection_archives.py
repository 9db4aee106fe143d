"""Models in zip archives: told apart by their members, and nothing inside is believed."""

import io
import json
import struct
import zipfile
import zlib

import pytest

from scoring import ProblemCode
from scoring.sandbox.contract import Format
from tests.scoring.sandbox.specimens import TORCHSCRIPT, entry, limited, zip_bytes

DEFLATED = zipfile.ZIP_DEFLATED


def with_torchscript(*members, method=zipfile.ZIP_STORED):
    return zip_bytes([*TORCHSCRIPT, *members], method)


def weight(*sides, dtype=7, **more):
    meta = {"tensor_meta": {"dtype": dtype, "sizes": [{"as_int": side} for side in sides]}}
    return {"path_name": "weight_0", "is_param": True, "use_pickle": False, **meta, **more}


def pt2(weights, constants=None, more=()):
    def config(table):
        return json.dumps({"config": table}) if isinstance(table, dict) else table

    return zip_bytes([
        ("m/archive_format", b"pt2"),
        ("m/models/model.json", b"{}"),
        ("m/data/weights/model_weights_config.json", config(weights)),
        ("m/data/constants/model_constants_config.json", config(constants or {})),
        *more,
    ])  # fmt: skip


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, DEFLATED])
def test_torchscript_is_known_by_its_code(look, method):
    assert look(with_torchscript(method=method)).upload.format is Format.TORCHSCRIPT


def test_pt2_counts_its_parameters(look):
    weights = {"w": weight(3, 4), "buffer": weight(2, is_param=False), "count": weight(dtype=5)}
    found = look(pt2(weights, {"constant": weight(7)}))
    assert (found.upload.format, found.parameters) == (Format.PT2, 12 + 2 + 7)


@pytest.mark.parametrize(
    ("members", "code", "words"),
    [
        ([("m/data.pkl", b"x"), ("m/data/0", b"y")], ProblemCode.PICKLE_FORBIDDEN, "torch.save"),
        ([("m/.data/extern_modules", b"")], ProblemCode.PICKLE_FORBIDDEN, "torch.package"),
        (
            [("config.json", b"{}"), ("model.weights.h5", b"x")],
            ProblemCode.UNKNOWN_MODEL_FORMAT,
            "Keras",
        ),
        ([("a.npy", b""), ("b.npy", b"")], ProblemCode.UNKNOWN_MODEL_FORMAT, "NumPy archive"),
        (
            [("serialized_exported_program.json", b"{}"), ("version", b"7")],
            ProblemCode.UNKNOWN_MODEL_FORMAT,
            "older torch",
        ),
        ([("model.onnx", b"x")], ProblemCode.UNKNOWN_MODEL_FORMAT, "not packed"),
        ([("m/constants.pkl", b"x")], ProblemCode.UNKNOWN_MODEL_FORMAT, "no model"),
    ],
)
def test_other_archives_are_told_what_they_are(refusal, members, code, words):
    problem = refusal(zip_bytes(members))
    assert problem.code is code
    assert words in problem.message


@pytest.mark.parametrize(
    "content",
    [
        pt2({"w": weight(2, use_pickle=True)}),
        pt2({}, {"custom": weight(2, use_pickle=True)}),
        pt2({}, {"custom": {"path_name": "custom_obj_0", "use_pickle": 1}}),
    ],
    ids=["weight", "constant", "object"],
)
def test_pickled_parts_of_a_pt2_are_refused(refusal, content):
    assert refusal(content).code is ProblemCode.PICKLE_FORBIDDEN


@pytest.mark.parametrize(
    "content",
    [
        pt2({}, more=[("m/data/aotinductor/model/a.cpp", b"")]),
        pt2({}, more=[("m/extra/lib.so", b"")]),
        with_torchscript(("m/extra/lib.dylib", b"")),
    ],
)
def test_compiled_code_is_refused(refusal, content):
    assert refusal(content).code is ProblemCode.NATIVE_CODE_FORBIDDEN


@pytest.mark.parametrize(
    "content",
    [
        pt2(b"{"),
        pt2(b"[]"),
        pt2(b'{"config": []}'),
        pt2(b'{"config": {"a": 1}}'),
        pt2(b"[" * 100_000),
        pt2({"w": {"is_param": True}}),
        pt2({"w": weight(-1)}),
        pt2({"w": weight(1 << 64)}),
        pt2({"w": weight(*[1] * 17)}),
        pt2({}, more=[("m/models/other.json", b"{}")]),
        zip_bytes([("m/archive_format", b"pt2")]),
        zip_bytes([("m/archive_format", b"pt2"), ("m/models/a.json", b"{}")]),
    ],
)
def test_pt2_with_nonsense_in_its_tables(refusal, content):
    assert refusal(content).code is ProblemCode.DAMAGED_MODEL


def test_parameters_are_limited(refusal):
    assert refusal(pt2({"w": weight(11)}), limited(parameters=10)).code is (
        ProblemCode.TOO_MANY_PARAMETERS
    )


@pytest.mark.parametrize(
    "name",
    ["../evil", "m/../../evil", "/etc/passwd", "C:/x", "m\\evil", "m/a\0b"],
)
def test_names_that_lead_out_of_the_archive(refusal, name):
    # zipfile cuts names at NUL and turns backslashes round on some systems: written by hand
    content = with_torchscript(("m/" + "x" * (len(name) - 2), b"y"))
    content = content.replace(b"m/" + b"x" * (len(name) - 2), name.encode())
    assert refusal(content).code is ProblemCode.DAMAGED_MODEL


@pytest.mark.parametrize("twin", ["m/version", "m/VERSION"])
def test_a_member_twice(refusal, twin):
    assert "twice" in refusal(with_torchscript((twin, b"4"))).message


@pytest.mark.parametrize("mode", [0o120777, 0o060600, 0o010600], ids=["link", "device", "pipe"])
def test_links_and_devices(refusal, mode):
    file = io.BytesIO(with_torchscript())
    with zipfile.ZipFile(file, "a") as archive:
        special = zipfile.ZipInfo("m/special")
        special.create_system, special.external_attr = 3, mode << 16
        archive.writestr(special, b"/etc/passwd")
    assert "link or a device" in refusal(file.getvalue()).message


def test_a_bomb_is_refused_by_its_ratio_and_by_its_size(refusal, look):
    zeros = bytes(3 << 20)
    bomb = with_torchscript(("m/zeros", zeros), method=DEFLATED)
    assert "200 times" in refusal(bomb).message
    parts = [(f"m/{at}", bytes(1 << 20)) for at in range(8)]
    many = with_torchscript(*parts, method=DEFLATED)
    assert len(many) < 20_000
    assert look(many).told["members"] == 12
    problem = refusal(many, limited(file_bytes=4 << 20))
    assert problem.code is ProblemCode.MODEL_TOO_COMPLEX


def test_a_member_that_lies_about_its_size_is_not_unpacked_beyond_it(refusal):
    table = json.dumps({"config": {}}).encode() + b" " * 200_000
    content = bytearray(
        zip_bytes(
            [
                ("m/archive_format", b"pt2"),
                ("m/models/model.json", b"{}"),
                ("m/data/weights/model_weights_config.json", table),
            ],
            DEFLATED,
        )
    )
    size = struct.pack("<L", len(table))
    assert content.count(size) == 2
    lie = bytes(content).replace(size, struct.pack("<L", 20))
    assert "another size" in refusal(lie).message


def test_a_directory_of_a_million_entries_is_not_walked(refusal):
    # a classic directory counts to 65 535 and so does ours; the ZIP64 one says a billion
    whole = with_torchscript()
    at = whole.rindex(b"PK\x05\x06")
    start, size = struct.unpack_from("<L", whole, at + 16)[0], at
    end64 = struct.pack(
        "<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 10**9, 10**9, size - start, start
    )
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 2**32 - 1, 2**32 - 1, 0)
    problem = refusal(whole[:at] + end64 + locator + end)
    assert problem.code is ProblemCode.MODEL_TOO_COMPLEX


def overlapping(count):
    """Fifield's bomb in small: every entry of the directory points at the same bytes."""
    kernel = zlib.compress(bytes(100_000))[2:-4]
    name = b"m/constants.pkl"
    sizes = struct.pack("<3L", zlib.crc32(bytes(100_000)), len(kernel), 100_000)
    local = b"PK\x03\x04" + struct.pack("<5H", 20, 0, 8, 0, 0) + sizes
    local += struct.pack("<2H", len(name), 0) + name + kernel
    entry = b"PK\x01\x02" + struct.pack("<6H", 20, 20, 0, 8, 0, 0) + sizes
    entry += struct.pack("<5H2L", len(name), 0, 0, 0, 0, 0, 0)
    names = [name, *(b"m/code/%07d.p" % at for at in range(count))]
    names = [each[: len(name)].ljust(len(name), b"_") for each in names]
    directory = b"".join(entry + each for each in names)
    end = struct.pack("<4s4H", b"PK\x05\x06", 0, 0, len(names), len(names))
    return local + directory + end + struct.pack("<2LH", len(directory), len(local), 0)


def test_members_that_share_their_bytes(refusal):
    assert refusal(overlapping(100)).code is ProblemCode.DAMAGED_MODEL


@pytest.mark.parametrize(
    "change",
    [
        lambda whole: whole + b"tail",
        lambda whole: whole[:-1],
        lambda whole: whole[:4] + b"x" * 20 + whole,
        lambda whole: whole[:-2] + b"\x04\0note",
        lambda whole: whole.replace(b"m/version", b"m/versiom", 1),
        lambda whole: zip_bytes([("m/other", b"x")]) + whole,
    ],
    ids=["tail", "cut off", "prefix", "comment", "two names", "two archives"],
)
def test_nothing_stands_before_between_or_behind_the_members(refusal, change):
    assert refusal(change(with_torchscript())).code is ProblemCode.DAMAGED_MODEL


def test_an_archive_behind_the_head_of_another_format_is_not_an_archive(refusal):
    archive = with_torchscript()
    head = json.dumps({"a": entry(0, len(archive), [len(archive)], "U8")}).encode()
    both = struct.pack("<Q", len(head)) + head + archive
    assert zipfile.is_zipfile(io.BytesIO(both))
    # to us it is safetensors with the archive as a tensor's bytes, and so to what will load it
    assert refusal(both).code is ProblemCode.UNKNOWN_ARCHITECTURE


WHOLE = with_torchscript(method=DEFLATED)


@pytest.mark.parametrize("end", range(4, len(WHOLE), 7))
def test_a_file_that_is_cut_off_is_refused(refusal, end):
    assert refusal(WHOLE[:end]).code is ProblemCode.DAMAGED_MODEL


def test_an_encrypted_member(refusal):
    whole = bytearray(with_torchscript())
    at = whole.index(b"PK\x01\x02")
    whole[at + 8] |= 1
    assert "encrypted" in refusal(bytes(whole)).message
