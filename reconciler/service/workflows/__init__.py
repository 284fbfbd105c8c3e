"""Workflows as the vendor's API keeps them: projects pushed as archives, schedules, sessions, and attempts that run tasks.

A push makes a revision with its workflows, checked as far as the vendor checks it. An attempt carries out the tasks of one
workflow in a thread of its own, by the same jobs that queries and bulk loads make. Source: oas-wf, tdworkflow and digdag.
"""
