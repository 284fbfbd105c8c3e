"""Vendors that rows are sent to."""
