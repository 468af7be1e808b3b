"""What the resources of the partner API have in common: errors, numbers, pages of lists, formats, limits, schema.

The resources themselves are in `accounts.api`, `snapshots.api` and `billing.api`; the way in is `tikdash.api_door`.
"""
