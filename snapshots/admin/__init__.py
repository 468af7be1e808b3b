"""Tracked data of all tenants of the shard on the screen, and their jobs; changes go through services."""

from __future__ import annotations

from snapshots.admin import accounts, jobs, lists, posts

__all__ = ["accounts", "jobs", "lists", "posts"]
