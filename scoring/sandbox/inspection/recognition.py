"""Which kind of file it is: by its first bytes, never by its name."""

from mmap import mmap

from scoring.decoding import refuse
from scoring.errors import InvalidSubmission, ProblemCode
from scoring.sandbox.contract import Format

ZIP = b"PK\x03\x04"
OLDEST_IR = 3  # of ONNX, 2017; a smaller number at this place is TensorFlow's or Core ML's
_HEAD = 64

_TO_ONNX = "Convert the model to ONNX."
# What people send by mistake: the bytes, where they stand, what it is, what to do.
_OTHERS = (
    (b"ORTM", 4, "onnxruntime's own ORT format", "Send the .onnx file that it was made from."),
    (b"TFL3", 4, "a TensorFlow Lite model", _TO_ONNX),
    (b"GGUF", 0, "a GGUF model", _TO_ONNX),
    (b"\x89HDF", 0, "an HDF5 file, such as Keras writes", _TO_ONNX),
    (b"\x1f\x8b", 0, "a gzip archive", "Send the model itself, not packed."),
    (b"BZh", 0, "a bzip2 archive", "Send the model itself, not packed."),
    (b"\xfd7zXZ", 0, "an xz archive", "Send the model itself, not packed."),
    (b"7z\xbc\xaf", 0, "a 7z archive", "Send the model itself, not packed."),
    (b"\x93NUMPY", 0, "a NumPy array", "Send a model, not its answers."),
    (b"\x7fELF", 0, "a program", _TO_ONNX),
    (b"PK\x05\x06", 0, "an empty zip archive", "Send the model itself."),
)
_SAVE_SAFETENSORS = (
    "Write the weights with safetensors.torch.save_file(model.state_dict(), "
    "'model.safetensors') and name the architecture, or export the model to ONNX."
)


def recognised(data: mmap | bytes) -> Format | None:
    """None for a zip archive: its members tell. Raises InvalidSubmission."""
    head = data[:_HEAD]
    # onnxruntime takes bytes with this mark for its own format, whatever stands before it
    for magic, at, name, remedy in _OTHERS:
        if head[at:].startswith(magic):
            raise _other(name, remedy)
    if head.startswith(ZIP):
        return None
    if _is_pickle(head):
        raise pickled("a Python pickle, as older torch.save, joblib and scikit-learn write it")
    is_onnx = head.startswith(b"\x08") and OLDEST_IR <= int.from_bytes(head[1:2]) < 0x80
    # as the length of a table, ONNX's first eight bytes are an absurd number
    if head[8:9] == b"{" and not (is_onnx and any(head[4:8])):
        return Format.SAFETENSORS
    if is_onnx:
        return Format.ONNX
    if head.startswith((b"\x08\x01", b"\x08\x02")):
        raise _other("TensorFlow's saved_model.pb, or a Core ML model", _TO_ONNX)
    raise refuse(
        ProblemCode.UNKNOWN_MODEL_FORMAT,
        "The file is in none of the formats known here: ONNX, safetensors, .pt2 or TorchScript. "
        "Its name does not matter, its first bytes do.",
    )


def pickled(what: str) -> InvalidSubmission:
    """The refusal of a pickle, which can run anything when it is read."""
    return refuse(
        ProblemCode.PICKLE_FORBIDDEN,
        f"This is {what}. Reading one can run any program, so none is read. {_SAVE_SAFETENSORS}",
    )


def _is_pickle(head: bytes) -> bool:
    """Protocols 2 to 5 begin with their number; 0 and 1 have no mark, and pass for unknown."""
    return head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")


def _other(name: str, remedy: str) -> InvalidSubmission:
    return refuse(ProblemCode.UNKNOWN_MODEL_FORMAT, f"This is {name}. {remedy}")
