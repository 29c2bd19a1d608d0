"""Spine, hips, great arteries and veins, found without a seed: places that the rest starts from."""
