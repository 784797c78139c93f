"""The launcher: brings up everything SalesOps needs on one machine, watches over it, and takes it down again.

Standard library only: it runs before anything is installed.
"""
