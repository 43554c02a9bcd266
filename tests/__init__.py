"""The promises, each tested: a folder for each part, and end to end."""
