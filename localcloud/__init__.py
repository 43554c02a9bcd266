"""The embedded AWS for laptops and tests: an emulator, patches for what it does not support, and a deployer."""
