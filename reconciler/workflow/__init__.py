"""Workflow projects as they travel: the archive of files, and the language of ``.dig`` files.

Files go in and out as bytes by their paths inside the project; a ``.dig`` file becomes a tree of plain values, in which order
counts. Nothing here runs a task or speaks to anyone, so that those who push a project and those who answer read it alike.
"""
