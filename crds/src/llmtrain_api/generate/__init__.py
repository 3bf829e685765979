"""Generators of files: CRDs, the Prometheus rule file and reference pages."""
