"""Builders of child objects: one file a kind of child, each returns finished manifests."""
