"""Stents along their own course: their wires, the lumen inside, and both in the veins' stations."""
