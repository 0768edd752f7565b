"""Views of a report: one file a format over one wire model."""
