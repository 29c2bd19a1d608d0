"""The napari plugin of venoseg."""
