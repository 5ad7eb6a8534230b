"""Projects, and the archives in which they travel."""
