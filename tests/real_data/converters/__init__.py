"""One module for each kind of data: reads the files of a package, and returns samples."""
