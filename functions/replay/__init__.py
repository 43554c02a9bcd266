"""Replays dead letters for operators: the one function of the API that may move and delete messages."""
