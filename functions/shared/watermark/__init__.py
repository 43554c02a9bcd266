"""The watermark: its settings, the mark, and how it is drawn on a picture."""
