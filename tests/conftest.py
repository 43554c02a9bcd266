"""What all tests have in common."""

from hypothesis import HealthCheck, settings

# A shared machine pauses for longer than Hypothesis allows an example by default; what is found does not depend on it.
settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")
