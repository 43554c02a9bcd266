"""The operators' view of a stack: what is wrong, and why files failed. It changes nothing."""
