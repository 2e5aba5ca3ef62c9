"""Spans around what is asked of servers and of other processes.

They hold ids and sizes. Keys, links, statements' values and messages of errors, which
may quote any of them, are in none.
"""
