"""What flows read from elsewhere: pages, feeds, searches, documents, and the forms in which requests are written."""
