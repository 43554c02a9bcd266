"""What 1, 100 and 10,000 uploads a second would need: docs/scale.md, its arithmetic and its simulation."""
