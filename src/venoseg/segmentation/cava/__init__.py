"""What only the vena cava needs: ovals where the liver or a stream hides its wall."""
