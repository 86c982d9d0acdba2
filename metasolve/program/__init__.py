"""Any program as the black box: settings in, cost out, described by a case.toml."""
