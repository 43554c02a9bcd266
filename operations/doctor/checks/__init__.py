"""The checks of `img-pipeline doctor`: one small function per check, grouped by what it is about."""
