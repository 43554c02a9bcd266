"""The embedded AWS for laptops and tests: an emulator, what it lacks, and the in-process deployer."""
