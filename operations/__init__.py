"""What an operator does with a deployed stack."""
