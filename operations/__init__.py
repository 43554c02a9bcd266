"""The operator's command line: commands over `client`, deployment, cost and the doctor's checks."""
