"""Gray values along rays across the wall, their blur and grain, and averages over rays."""
