"""How uncertain the figures are, told from the noise of the image."""
