"""Which vein is which, and where one becomes the next."""
