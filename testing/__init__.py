"""What tests and benchmarks share: pictures, policies, waiting, a deployed stack. The product does not import it."""
