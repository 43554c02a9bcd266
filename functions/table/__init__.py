"""Turns a table into typed Parquet, with a profile of its columns, a preview, and the rows that do not fit."""
