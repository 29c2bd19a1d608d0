"""Closed walls around a course, and what the image shows along them."""
