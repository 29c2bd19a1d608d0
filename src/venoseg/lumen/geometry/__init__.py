"""Closed contours in the plane of a station, and what is measured on them."""
