"""Shared by all pages that fedbragg serves: access control, and the listening address."""
