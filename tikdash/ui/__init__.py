"""What pages share: numbers in words and small pictures. Pure functions, no models, no I/O."""
