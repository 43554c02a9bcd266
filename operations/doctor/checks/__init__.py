"""What `img-pipeline doctor` looks at: one small function per check, grouped by what it is about."""
