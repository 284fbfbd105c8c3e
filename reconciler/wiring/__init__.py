"""Builds everything once: the project's manifests, its state, the vendors' providers, and the service on this machine.

What is heavy is made when it is first asked, so that a plan without changes pays for no database.
"""

from reconciler.wiring.runtime import Runtime, open_runtime

__all__ = ["Runtime", "open_runtime"]
