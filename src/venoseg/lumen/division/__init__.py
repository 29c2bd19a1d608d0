"""Several lumens in one vein, and the tissue between them."""
