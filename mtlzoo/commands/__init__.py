"""The commands of the command line, one file each: `add(parser)` says the options, `run(options)` does the work."""
