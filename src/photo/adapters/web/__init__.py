"""The web beyond this network: only what a policy allows is ever connected to."""
