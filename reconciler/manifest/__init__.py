"""Reads a project: strict YAML in, typed resources out, every mistake with its place.

Files become trees of text (`syntax`, or `cache` when nothing changed), variables and secrets are put into the trees and
never into text (`interpolation`, `secrets`), the models of `reconciler.model.kinds` give scalars their types (`documents`),
and marks in those models say which fields name other resources or files (`shapes`, `references`, `files`). Places are
looked up again only when a message needs one (`positions`). All findings of a pass arrive together. It asks no vendor.
"""

from reconciler.manifest.loaded import Loaded
from reconciler.manifest.loading import load
from reconciler.manifest.project import Project, find_project

__all__ = ["Loaded", "Project", "find_project", "load"]
