"""Malformed tables. Where a generator knows how many rows its file has, none of them may be lost."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.hostile.damage import damaged
from tests.hostile.inputs import TABLE, HostileInput

PINNED_PREFIX = "uploads/pinned/"
"""Keys of tables that must have the columns of `COLUMNS`."""
COLUMNS = {"id": "bigint", "name": "text", "price": "double", "day": "date", "open": "boolean"}

_CELLS = (
    "",
    " ",
    "0",
    "-1",
    "1e309",
    "9" * 400,
    "NaN",
    "inf",
    "2026-02-30",
    "2026-11-27",
    "24:00",
    "true",
    "yes",
    "NULL",
)
_CELLS += (
    "\\N",
    "=1+1",
    "+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "-2+3",
    "é",
    "日本",
    "🙂",
    "\u202e",
    "\ufeff",
    "\x7f",
    "a\x00b",
    "'",
    "`",
)


@dataclass(frozen=True)
class Body:
    """A file, its extension, and its number of rows where that is known."""

    content: bytes
    extension: str = ".csv"
    rows: int | None = None
    prefix: str = ""


def table(rng: random.Random) -> HostileInput:
    """One malformed table."""
    make = rng.choice(_KINDS)
    made = make(rng)
    name = f"{made.prefix}hostile{made.extension}"
    return HostileInput(family=TABLE, kind=make.__name__.strip("_"), body=made.content, name=name, rows=made.rows)


def _row(rng: random.Random, number: int) -> list[str]:
    day = f"2026-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
    return [str(number), f"name {rng.randrange(1000)}", f"{rng.random() * 100:.2f}", day, rng.choice(("true", "false"))]


def _rows(rng: random.Random, count: int) -> list[list[str]]:
    return [_row(rng, number) for number in range(count)]


def _text(rows: list[list[str]], *, delimiter: str = ",", end: str = "\n", names: list[str] | None = None) -> str:
    header = list(COLUMNS) if names is None else names
    return "".join(delimiter.join(cells) + end for cells in (header, *rows))


def _plain(rng: random.Random) -> str:
    return _text(_rows(rng, rng.choice((1, 20, 500))))


def _damaged(rng: random.Random) -> Body:
    return Body(damaged(rng, _plain(rng).encode()))


def _ragged(rng: random.Random) -> Body:
    """Rows with too few or too many cells, up to thousands."""
    rows = _rows(rng, rng.choice((10, 200, 3000)))
    for _ in range(rng.choice((1, 3, len(rows) // 4, len(rows) // 2))):
        at = rng.randrange(len(rows))
        rows[at] = (rows[at] * 2000)[: rng.choice((1, 2, 4, 6, 30, 5000))]
    return Body(_text(rows).encode(), rows=len(rows), prefix=rng.choice(("", "pinned/")))


def _misfits(rng: random.Random) -> Body:
    """Cells of other types than their columns."""
    rows = _rows(rng, rng.choice((10, 400)))
    for _ in range(rng.choice((1, 5, len(rows)))):
        rows[rng.randrange(len(rows))][rng.randrange(5)] = rng.choice(_CELLS)
    return Body(_text(rows).encode(errors="surrogatepass"), rows=len(rows), prefix=rng.choice(("", "pinned/")))


def _half_bad(rng: random.Random) -> Body:
    """A file of some megabytes of which half of the rows are wide and bad."""
    rows, count = _rows(rng, 100), rng.choice((5_000, 20_000))
    wide = ["x" * rng.choice((1, 40))] * rng.choice((6, 60))
    lines = [*(",".join(row) for row in rows), *[",".join(wide)] * len(rows)]
    rng.shuffle(lines)
    lines = (lines * (count // len(lines) + 1))[:count]
    return Body((",".join(COLUMNS) + "\n" + "\n".join(lines) + "\n").encode(), rows=count)


def _quotes(rng: random.Random) -> Body:
    """Quotes that are not closed, or in the middle of a cell, or around line breaks."""
    rows = _rows(rng, rng.choice((5, 300)))
    bad = ('"', 'a"b', '"a"b', '"a\nb"', '""', '"""', '"a,b', '\\"', "'a", '"a\r\nb"')
    for _ in range(rng.choice((1, 2, 20))):
        rows[rng.randrange(len(rows))][1] = rng.choice(bad)
    return Body(_text(rows).encode())


def _zeros(rng: random.Random) -> Body:
    body = bytearray(_plain(rng).encode())
    for _ in range(rng.choice((1, 5))):
        at = rng.randrange(len(body))
        body[at:at] = b"\0" * rng.choice((1, 1, 1000))
    return Body(bytes(body))


def _encodings(rng: random.Random) -> Body:
    """Encodings and byte order marks, also mixed, halved or wrong."""
    text = _plain(rng).replace("name 1", "näme €").replace("name 2", "名")
    encoding = rng.choice(("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1", "shift-jis"))
    body = text.encode(encoding, errors="replace")
    mark = rng.choice((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xef\xbb"))
    mixed = text.encode() + text.encode("cp1252", errors="replace")
    cut = body[: rng.randrange(1, len(body))]
    half_pair = text.encode("utf-16").replace("n".encode("utf-16-le"), b"\x3d\xd8", 1)
    surrogates = text.encode().replace(
        b"name", rng.choice((b"\xed\xa0\x80", b"\xed\xb0\x80", b"\xc0\x80", b"\xf5\x80"))
    )
    return Body(rng.choice((body, body, mark + text.encode(), mixed, cut, half_pair, surrogates, body + text.encode())))


def _line_ends(rng: random.Random) -> Body:
    rows = _rows(rng, rng.choice((3, 200)))
    text = _text(rows, end="\n")
    ends = [
        rng.choice(("\n", "\r", "\r\n", "\n\n", "\r\r\n", "\n\r", "\u2028", "\x0b", "\x0c", "\x1e")) for _ in range(3)
    ]
    lines = text.split("\n")
    return Body("".join(line + rng.choice(ends) for line in lines).encode())


def _small(rng: random.Random) -> Body:
    """Tables of next to nothing."""
    options = (
        "\n",
        " ",
        ",",
        ",,,\n",
        "a",
        "a,b",
        "a,b\n",
        "a,b\n\n\n",
        '"',
        '""',
        "\ufeff",
        "\ufeffa,b\n1,2",
        "a,b\n1,2\n\x1a",
    )
    return Body(rng.choice(options).encode(), rng.choice((".csv", ".tsv", ".jsonl")))


def _names(rng: random.Random) -> Body:
    """Names of columns: equal, long, many, odd."""
    count = rng.choice((2, 50, 199, 200, 201, 3000))
    names = [f"c{number}" for number in range(count)]
    match rng.choice(("equal", "long", "odd", "as they are", "one long")):
        case "equal":
            names = ["total"] * count
        case "long":
            names = [f"{name} {'x' * rng.choice((300, 3000))}" for name in names]
        case "odd":
            odd = (
                'a"b',
                "a'b",
                "a`b",
                "a;b",
                "a\\b",
                "{}",
                "%s",
                "select",
                "--",
                "ß",
                "ẞ",
                "İ",
                "i\u0307",
                "\u200b",
                " a ",
                "\t",
            )
            names = [name.replace('"', '""') and f'"{rng.choice(odd).replace(chr(34), chr(34) * 2)}"' for name in names]
        case "one long":
            names[rng.randrange(count)] = "y" * rng.choice((70_000, 131_072, 131_073, 300_000))
        case _:
            pass
    cells = [["v"] * count for _ in range(rng.choice((0, 1, 50)))]
    return Body(_text(cells, names=names).encode())


def _cells(rng: random.Random) -> Body:
    """Cells and lines of up to megabytes, and thousands of cells in one row."""
    rows = _rows(rng, rng.choice((2, 100)))
    filler = rng.choice(("x", "é", '"x"', "1", "=1", "a b "))
    at = rng.randrange(len(rows))
    rows[at] = rng.choice(
        (
            [*rows[at][:1], filler * (rng.choice((1000, 140_000, 1_100_000, 2_200_000)) // len(filler)), *rows[at][2:]],
            [filler] * rng.choice((1000, 20_000)),
        )
    )
    return Body(_text(rows).encode())


def _delimiters(rng: random.Random) -> Body:
    """Delimiters that differ from row to row, or that no reader knows."""
    rows = [list(COLUMNS), *_rows(rng, rng.choice((3, 100)))]
    choices = rng.sample(",;\t|: ^\x01", rng.randint(1, 3))
    return Body(
        "".join(rng.choice(choices).join(cells) + "\n" for cells in rows).encode(), rng.choice((".csv", ".tsv"))
    )


def _compressed(rng: random.Random) -> Body:
    """gzip that is cut off, damaged, repeated, followed by garbage, nested, or very large when it is decompressed."""
    text = _plain(rng).encode()
    packed = gzip.compress(text, mtime=0)
    member = gzip.compress(_text(_rows(rng, 5)).encode(), mtime=0)
    bomb = b"".join(gzip.compress(b"a,b\n" + b"1,2\n" * 500_000, mtime=0) for _ in range(rng.choice((1, 8))))
    bodies = (packed[: rng.randrange(len(packed))], damaged(rng, packed), packed + member, packed + b"garbage")
    bodies += (
        gzip.compress(packed, mtime=0),
        bomb,
        gzip.compress(bytes(20 << 20), mtime=0),
        packed + bytes(1000),
        b"\x1f\x8b",
    )
    return Body(rng.choice(bodies), rng.choice((".csv.gz", ".csv.gz", ".csv", ".tsv.gz")))


def _object(rng: random.Random, number: int) -> str:
    return json.dumps(dict(zip(COLUMNS, _row(rng, number), strict=True)))


def _json(rng: random.Random) -> Body:
    """JSON Lines with lines that are no rows."""
    lines = [_object(rng, number) for number in range(rng.choice((2, 100, 2000)))]
    deep = rng.choice((50, 5000, 100_000))
    bad = (
        "null",
        "[]",
        "1",
        '"text"',
        "{",
        "{}",
        "}",
        '{"id": }',
        '{"id": 1}{"id": 2}',
        '{"id": NaN}',
        '{"id": 1e999}',
    )
    bad += ('{"name": "\\ud800"}', '{"\\udfff": 1}', '{"name": "\\ud83d\\ude00"}', '{"id": ' + "9" * 5000 + "}", "'")
    bad += ('{"name": ' + "[" * deep + "]" * deep + "}", '{"a":' * deep + "1" + "}" * deep, '{"id": 1, "id": 2}')
    bad += (json.dumps({f"k{number}": 1 for number in range(3000)}), '{"name": "\\u0000"}', '{"": 1}', '{"ID": 1}')
    bad += (json.dumps({"name": "x" * 2_200_000}), json.dumps({"x" * 140_000: 1}), '{"name": {"a": [1, null]}}')
    for _ in range(rng.choice((1, 3, 30))):
        lines.insert(rng.randrange(len(lines) + 1), rng.choice(bad))
    # An object without a known key is a row of empty cells, so every line that is not blank is a row or quarantined.
    return Body(("\n".join(lines) + "\n").encode(), ".jsonl", rows=len(lines), prefix=rng.choice(("", "pinned/")))


def _objects(rng: random.Random) -> Body:
    """Objects whose keys change from line to line."""
    keys = [rng.choice(("a", "A", "b", "é", " a", "a_2", "column1", "", "\u0000")) for _ in range(5)]
    lines = [
        json.dumps({rng.choice(keys): rng.choice((*_CELLS, 1, 2.5, None, True, [], {})) for _ in range(3)})
        for _ in range(50)
    ]
    lines += [json.dumps({f"{keys[0]}{number}": number}) for number in range(rng.choice((0, 100, 1500)))]
    return Body("\n".join(lines).encode(), ".jsonl", rows=len(lines))


def _damaged_json(rng: random.Random) -> Body:
    return Body(damaged(rng, "\n".join(_object(rng, number) for number in range(100)).encode()), ".jsonl")


def _other_content(rng: random.Random) -> Body:
    """What is no table under a table's name."""
    contents = (
        rng.randbytes(3000),
        b"PK\3\4" + rng.randbytes(500),
        b"\x89PNG\r\n\x1a\n" + rng.randbytes(100),
        b"%PDF-1.7\n",
    )
    contents += (
        b"<html><table><tr><td>1</td></tr></table>",
        b"{" * 100_000,
        b"[" * 100_000,
        b"PAR1" + bytes(100),
        b'"' * 99_999,
    )
    return Body(rng.choice(contents), rng.choice((".csv", ".tsv", ".jsonl", ".csv.gz")))


_KINDS: tuple[Callable[[random.Random], Body], ...] = (
    _damaged,
    _damaged,
    _ragged,
    _ragged,
    _misfits,
    _misfits,
    _half_bad,
    _quotes,
    _quotes,
    _zeros,
    _encodings,
    _encodings,
    _line_ends,
    _small,
    _names,
    _names,
    _cells,
    _delimiters,
    _compressed,
    _compressed,
    _json,
    _json,
    _objects,
    _damaged_json,
    _other_content,
)
