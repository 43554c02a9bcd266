"""Code that tests and benchmarks share: pictures, policies, waiting, a deployed stack. Not part of the product."""
