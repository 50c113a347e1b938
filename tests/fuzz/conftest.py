"""The profile of `make fuzz`: fifty times as many examples, other ones each time."""

from hypothesis import settings

settings.register_profile("fuzz", max_examples=5_000, deadline=None, print_blob=True)
