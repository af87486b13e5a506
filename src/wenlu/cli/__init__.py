"""The command line: parse arguments, call the library, print. One file per command group."""
