"""Determines the encoding of a text from all of its bytes, and counts its lines."""

from __future__ import annotations

import codecs
import re

from contract.signatures import CONTROL_CHARACTER
from functions.shared.reasons import ReasonCode, Rejection, reject
from functions.shared.text import START_BYTES, marked_encoding

_UNDECODED = re.compile("[\udc80-\udcff]")
_BEYOND_ASCII = re.compile("[^\0-\x7f\udc80-\udcff]")
# Bytes that are control characters in Latin-1 and printable in Windows-1252; five of them are undefined in both.
_C1 = re.compile("[\udc80-\udc9f]")
_UNDEFINED = re.compile("[\udc81\udc8d\udc8f\udc90\udc9d]")


class TextScan:
    """Decodes a text piece by piece.

    Without a byte order mark its encoding is UTF-8 if all bytes are valid UTF-8; otherwise it is Latin-1, or
    Windows-1252 if it has characters that Latin-1 does not have. If it also has characters beyond ASCII that are valid
    UTF-8, its encodings are mixed.

    Args:
        media_type: for rejections.
        quotes: whether a line break between double quotes does not end a line.

    Attributes:
        encoding: Python's name; complete after `finish`.
        lines: the number of lines that have ended.
        line_breaks: the number of characters that end lines, also between quotes.
        start: the first bytes.
        is_longer_than_start: whether there are more.
    """

    def __init__(self, media_type: str, *, quotes: bool) -> None:
        self.media_type = media_type
        self.encoding = "utf-8"
        self.lines = 0
        self.line_breaks = 0
        self.start = b""
        self.is_longer_than_start = False
        self._quotes = quotes
        self._is_quoted = False
        self._is_marked = False
        self._decoder: codecs.IncrementalDecoder | None = None
        self._has_utf_8 = False
        self._has_other = False
        self._last = ""

    def feed(self, piece: bytes) -> Rejection | None:
        """Decode a piece; the rejection of a file that is no text, or not in one encoding."""
        if self._decoder is None:
            self._begin(piece)
        kept = piece[: START_BYTES - len(self.start)]
        self.start += kept
        self.is_longer_than_start |= len(kept) < len(piece)
        return self._decode(piece, final=False)

    def finish(self) -> Rejection | None:
        """Decode what is left; the rejection as for `feed`."""
        rejection = self._decode(b"", final=True)
        if not self._last.endswith(("\n", "\r")):
            self.lines += 1
        return rejection

    def _begin(self, start: bytes) -> None:
        marked = marked_encoding(start)
        self._is_marked = bool(marked)
        self.encoding = marked or self.encoding
        errors = "strict" if marked == "utf-16" else "surrogateescape"
        self._decoder = codecs.getincrementaldecoder(self.encoding)(errors)

    def _decode(self, piece: bytes, *, final: bool) -> Rejection | None:
        try:
            text = self._decoder.decode(piece, final) if self._decoder else ""
        except UnicodeDecodeError as error:
            return self._not_text(
                f"it is not valid {self.encoding.upper()} near line {self.lines + 1:,} ({error.reason})"
            )
        rejection = None if text.isascii() else self._check_characters(text)
        if control := CONTROL_CHARACTER.search(text):
            rejection = self._not_text(f"it has the control character {control[0]!r} near line {self.lines + 1:,}")
        self._count_lines(text)
        self.line_breaks += text.count("\n") + text.count("\r")
        self._last = text or self._last
        return rejection

    def _check_characters(self, text: str) -> Rejection | None:
        self._has_utf_8 |= self._is_marked or bool(_BEYOND_ASCII.search(text))
        if not _UNDECODED.search(text):
            return self._mixed(text) if self._has_other and self._has_utf_8 else None
        self._has_other = True
        if self._has_utf_8:
            return self._mixed(text)
        if undefined := _UNDEFINED.search(text):
            return self._not_text(f"it has the byte 0x{ord(undefined[0]) - 0xDC00:X}, which no supported encoding has")
        self.encoding = "cp1252" if self.encoding == "cp1252" or _C1.search(text) else "latin-1"
        return None

    def _mixed(self, text: str) -> Rejection:
        found = [match.start() for match in (_UNDECODED.search(text), _BEYOND_ASCII.search(text)) if match]
        line = self.lines + 1 + text.count("\n", 0, max(found))
        return reject(ReasonCode.MIXED_ENCODINGS, found=self.media_type, line=line)

    def _not_text(self, detail: str) -> Rejection:
        return reject(ReasonCode.NOT_TEXT, found=self.media_type, detail=detail)

    def _count_lines(self, text: str) -> None:
        parts = text.split('"') if self._quotes else [text]
        unquoted = parts[int(self._is_quoted) :: 2]
        ends = "\n" if "\n" in text else "\r"
        self.lines += sum(part.count(ends) for part in unquoted)
        self._is_quoted ^= len(parts) % 2 == 0
