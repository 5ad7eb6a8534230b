"""The built-in components, one file each. A new file with a `Component` subclass is found by itself."""
