"""Photo API: turns photos into text, safely."""
