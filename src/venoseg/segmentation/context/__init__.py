"""What lies beside the wanted veins, as the image shows it."""
