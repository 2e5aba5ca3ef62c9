"""Ports in front of dependencies that are left alone while they fail."""
