"""The session in the style of each framework. Each module is imported on demand and needs its framework."""
