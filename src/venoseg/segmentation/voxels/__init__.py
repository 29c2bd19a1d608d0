"""Masks and pictures of voxels: balls, growing, cheapest ways, and whose blood a voxel is."""
