"""What docs/how-to/fix.md tells maintainers to do, tried: small projects with a fault, built with and without."""
