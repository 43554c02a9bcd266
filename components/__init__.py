"""What exists in the cloud: one ComponentResource per layer at the top, what layers are made of in the subpackages."""
