"""Replays dead letters and redrives orders for operators: the one function of the API that may move messages."""
