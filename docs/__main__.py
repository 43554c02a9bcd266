"""Rewrite the generated parts of the documentation: `make docs`."""

from __future__ import annotations

from docs.generated import ROOT, documents, regenerated

for document in documents():
    before = document.read_text(encoding="utf-8")
    after = regenerated(before)
    if after != before:
        document.write_text(after, encoding="utf-8")
        print(f"rewrote {document.relative_to(ROOT)}")
