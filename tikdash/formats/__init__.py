"""How dates are written where a page does not say it, by language (`FORMAT_MODULE_PATH`)."""
