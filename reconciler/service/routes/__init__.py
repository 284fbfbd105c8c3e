"""The vendor's addresses, by subject. A handler takes the service and a call, and returns what becomes JSON."""
