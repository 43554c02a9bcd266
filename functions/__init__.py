"""What runs in Lambda: one folder per function, and in `shared` what they have in common."""
