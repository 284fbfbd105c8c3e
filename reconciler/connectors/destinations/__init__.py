"""Vendors that rows are sent to.

Pinterest: `pinterest` carries out an export by its `pinterest_settings`; `pinterest_creation` makes an audience once whatever
gets lost on the way, `pinterest_upload` sends members in batches that get smaller when they are refused. `pinterest_api` is
what these need of the vendor, and `pinterest_client` gives it to them.
"""
