"""Dead letters: their causes, and how they are replayed, exported, imported or deleted."""
