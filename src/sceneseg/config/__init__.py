"""Run configuration: schema, YAML files, command-line options and variants."""
