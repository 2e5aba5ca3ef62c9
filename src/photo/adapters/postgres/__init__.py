"""Postgres: uploads, jobs and keys, and the news of changed jobs."""
