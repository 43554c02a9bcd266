"""What all parts of the project must agree on, each defined once. Standard library only; imports nothing of ours."""
