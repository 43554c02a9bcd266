"""Rewrite the generated parts of the documentation: `make docs`."""

from __future__ import annotations

from docs import openapi
from docs.generated import ROOT, documents, regenerated

texts = {document: regenerated(document.read_text(encoding="utf-8")) for document in documents()}
for path, text in {**texts, openapi.PATH: openapi.description()}.items():
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
        print(f"rewrote {path.relative_to(ROOT)}")
