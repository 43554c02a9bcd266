"""What the functions have in common: exact file versions, safe images, stored renditions, log lines."""
