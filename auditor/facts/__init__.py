"""What is in a wheel: frozen records, without opinion and without IO."""
