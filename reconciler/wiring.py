"""Builds everything once: registry, stores, service, providers."""
