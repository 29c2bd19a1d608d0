"""How far a drawn vein can be trusted, and where it is another vessel."""
