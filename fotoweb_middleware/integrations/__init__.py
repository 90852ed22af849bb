"""The middleware's session as each framework has it. Each module is imported on demand and needs its framework."""
