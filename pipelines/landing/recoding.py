"""Text that DuckDB cannot decode itself (cp1252 out of spreadsheets, Shift JIS ...), as UTF-8."""

from __future__ import annotations

import codecs
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from pipelines.domain.drops import IncompleteError, TextShape, UnreadableError
from pipelines.landing.lines import open_bytes

_CHUNK: Final = 1 << 20


@contextmanager
def recoded(file: Path, shape: TextShape) -> Iterator[str]:
    """The path of the file's text as UTF-8, uncompressed: a file without a name, gone with the process.

    Raises UnreadableError for bytes that are not in the declared encoding, IncompleteError for a torn archive.
    """
    with _anonymous() as (out, path):
        decoder = codecs.getincrementaldecoder(shape.encoding)()
        try:
            with open_bytes(file, shape.compression) as source:
                while chunk := source.read(_CHUNK):
                    out.write(decoder.decode(chunk).encode())
                out.write(decoder.decode(b"", final=True).encode())
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            raise UnreadableError(f"is not {shape.encoding} text (byte 0x{byte:02x}); correct its encoding") from None
        except (EOFError, zlib.error):
            raise IncompleteError("does not decode to its end") from None
        out.flush()
        yield path


@contextmanager
def _anonymous() -> Iterator[tuple[IO[bytes], str]]:
    if Path("/proc/self/fd").is_dir():
        with tempfile.TemporaryFile() as out:
            yield out, f"/proc/self/fd/{out.fileno()}"
    else:
        with tempfile.NamedTemporaryFile(prefix="wherehouse-") as named:
            yield named.file, named.name
