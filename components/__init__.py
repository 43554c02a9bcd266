"""What exists in the cloud: one ComponentResource per layer, the small shared ones beside them."""
