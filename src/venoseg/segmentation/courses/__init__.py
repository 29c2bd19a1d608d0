"""Where the veins run, from seeds, labels or across an occlusion."""
