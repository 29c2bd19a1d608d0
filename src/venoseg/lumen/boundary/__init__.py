"""From the outline of the labels to the edge of the lumen."""
